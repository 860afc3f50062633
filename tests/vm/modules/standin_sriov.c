// SPDX-License-Identifier: GPL-2.0
/*
 * A PCI Express function with the SR-IOV capability, and a driver for it and for its virtual functions.
 *
 * The PCI core makes, counts and refuses virtual functions for it as for any other: nothing of that is imitated here.
 * The driver has the name of ConnectX-4's, mlx5_core, and takes any number, as that one does; the identity is nobody's,
 * so that no driver of Debian's is loaded for it. There is no BAR, and nothing behind the functions.
 */
#include <linux/module.h>
#include <linux/pci.h>

#define MELLANOX	0x15b3
#define PHYSICAL	0x0f00
#define VIRTUAL		0x0f01
#define NETWORK_OTHER	(PCI_CLASS_NETWORK_OTHER << 8)
#define BUS_NUMBER	5
#define TOTAL		8

#define EXPRESS		0x40	/* where the capabilities are */
#define SRIOV		0x100

static struct pci_sysdata sysdata = { .domain = 0, .node = NUMA_NO_NODE };
static struct pci_bus *bus;
static u16 control, number, command;

/* The configuration space of the physical function, in double words; what is not here reads as zero. */
static u32 physical_word(int offset)
{
	switch (offset) {
	case PCI_VENDOR_ID:
	case PCI_SUBSYSTEM_VENDOR_ID:
		return PHYSICAL << 16 | MELLANOX;
	case PCI_COMMAND:
		return PCI_STATUS_CAP_LIST << 16 | command;
	case PCI_CLASS_REVISION:
		return NETWORK_OTHER << 8;
	case PCI_CAPABILITY_LIST:
		return EXPRESS;
	case EXPRESS:
		return (PCI_EXP_TYPE_RC_END << 4 | 2) << 16 | PCI_CAP_ID_EXP;
	case SRIOV:
		return 1 << 16 | PCI_EXT_CAP_ID_SRIOV;
	case SRIOV + PCI_SRIOV_CTRL:
		return control;
	case SRIOV + PCI_SRIOV_INITIAL_VF:
		return TOTAL << 16 | TOTAL;
	case SRIOV + PCI_SRIOV_NUM_VF:
		return number;
	case SRIOV + PCI_SRIOV_VF_OFFSET:
		return 1 << 16 | 1;	/* stride and offset */
	case SRIOV + 0x18:
		return VIRTUAL << 16;
	case SRIOV + PCI_SRIOV_SUP_PGSIZE:
	case SRIOV + PCI_SRIOV_SYS_PGSIZE:
		return 1;
	default:
		return 0;
	}
}

static bool is_there(unsigned int devfn)
{
	return !devfn || ((control & PCI_SRIOV_CTRL_VFE) && devfn <= number);
}

static int config_read(struct pci_bus *on, unsigned int devfn, int where, int size, u32 *value)
{
	u32 word;

	if (!is_there(devfn)) {
		*value = ~0;
		return PCIBIOS_DEVICE_NOT_FOUND;
	}
	/* A virtual function has no identity of its own: the PCI core takes it from the capability. */
	word = !devfn ? physical_word(where & ~3) :
		(where & ~3) == PCI_VENDOR_ID ? ~0 : (where & ~3) == PCI_CLASS_REVISION ? NETWORK_OTHER << 8 : 0;
	*value = word >> (where & 3) * 8;
	if (size < 4)
		*value &= BIT(size * 8) - 1;
	return PCIBIOS_SUCCESSFUL;
}

static int config_write(struct pci_bus *on, unsigned int devfn, int where, int size, u32 value)
{
	if (!is_there(devfn))
		return PCIBIOS_DEVICE_NOT_FOUND;
	if (!devfn && where == SRIOV + PCI_SRIOV_CTRL)
		control = value;
	else if (!devfn && where == SRIOV + PCI_SRIOV_NUM_VF)
		number = value;
	else if (!devfn && where == PCI_COMMAND)
		command = value;
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops config_space = {
	.read = config_read,
	.write = config_write,
};

static int driver_probe(struct pci_dev *device, const struct pci_device_id *id)
{
	return 0;
}

static int driver_sriov_configure(struct pci_dev *device, int count)
{
	if (!count)
		pci_disable_sriov(device);
	else if (pci_enable_sriov(device, count))
		return -EIO;
	return count;
}

static const struct pci_device_id identities[] = {
	{ PCI_DEVICE(MELLANOX, PHYSICAL) }, { PCI_DEVICE(MELLANOX, VIRTUAL) }, { }
};

static struct pci_driver driver = {
	.name = "mlx5_core",
	.id_table = identities,
	.probe = driver_probe,
	.sriov_configure = driver_sriov_configure,
};

static int __init standin_sriov_init(void)
{
	LIST_HEAD(resources);
	int error = pci_register_driver(&driver);

	if (error)
		return error;
	pci_lock_rescan_remove();
	bus = pci_scan_root_bus(NULL, BUS_NUMBER, &config_space, &sysdata, &resources);
	if (bus)
		pci_bus_add_devices(bus);
	pci_unlock_rescan_remove();
	if (!bus)
		pci_unregister_driver(&driver);
	return bus ? 0 : -ENOMEM;
}

static void __exit standin_sriov_exit(void)
{
	struct pci_dev *device = pci_get_domain_bus_and_slot(0, BUS_NUMBER, 0);

	if (device) {
		pci_disable_sriov(device);
		pci_dev_put(device);
	}
	pci_lock_rescan_remove();
	pci_stop_root_bus(bus);
	pci_remove_root_bus(bus);
	pci_unlock_rescan_remove();
	pci_unregister_driver(&driver);
}

module_init(standin_sriov_init);
module_exit(standin_sriov_exit);
MODULE_DESCRIPTION("Stand-in PCI function with SR-IOV");
MODULE_LICENSE("GPL");
