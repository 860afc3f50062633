// SPDX-License-Identifier: GPL-2.0
/*
 * A PCI function with the identity of a ConnectX-3, and nothing behind it.
 *
 * Loading this module plugs the card in: a root bus of its own appears, the
 * PCI core finds the function on it and sends the uevent whose MODALIAS loads
 * mlx4_core. The function has no BAR, so mlx4_core's probe gives it up
 * ("Missing DCS") and leaves it to the stand-in mlx4_ib.
 */
#include <linux/module.h>
#include <linux/pci.h>

#define MELLANOX	0x15b3
#define CONNECTX3	0x1003
#define NETWORK_OTHER	(PCI_CLASS_NETWORK_OTHER << 8)
#define BUS_NUMBER	3

static struct pci_sysdata sysdata = { .domain = 0, .node = NUMA_NO_NODE };
static struct pci_bus *bus;

/* The configuration space, in double words; what is not here reads as zero and ignores writes. */
static u32 config_word(int offset)
{
	switch (offset) {
	case PCI_VENDOR_ID:
	case PCI_SUBSYSTEM_VENDOR_ID:
		return CONNECTX3 << 16 | MELLANOX;
	case PCI_CLASS_REVISION:
		return NETWORK_OTHER << 8;
	default:
		return 0;
	}
}

static int config_read(struct pci_bus *on, unsigned int devfn, int where, int size, u32 *value)
{
	if (devfn) {
		*value = ~0;
		return PCIBIOS_DEVICE_NOT_FOUND;
	}
	*value = config_word(where & ~3) >> (where & 3) * 8;
	if (size < 4)
		*value &= BIT(size * 8) - 1;
	return PCIBIOS_SUCCESSFUL;
}

static int config_write(struct pci_bus *on, unsigned int devfn, int where, int size, u32 value)
{
	return devfn ? PCIBIOS_DEVICE_NOT_FOUND : PCIBIOS_SUCCESSFUL;
}

static struct pci_ops config_space = {
	.read = config_read,
	.write = config_write,
};

static int __init standin_pci_init(void)
{
	LIST_HEAD(resources);

	pci_lock_rescan_remove();
	bus = pci_scan_root_bus(NULL, BUS_NUMBER, &config_space, &sysdata, &resources);
	if (bus)
		pci_bus_add_devices(bus);
	pci_unlock_rescan_remove();
	return bus ? 0 : -ENOMEM;
}

static void __exit standin_pci_exit(void)
{
	pci_lock_rescan_remove();
	pci_stop_root_bus(bus);
	pci_remove_root_bus(bus);
	pci_unlock_rescan_remove();
}

module_init(standin_pci_init);
module_exit(standin_pci_exit);
MODULE_DESCRIPTION("Stand-in PCI function of a ConnectX-3");
MODULE_LICENSE("GPL");
