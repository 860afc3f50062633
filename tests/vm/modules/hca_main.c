// SPDX-License-Identifier: GPL-2.0
/*
 * Stand-in HCA: the device, its ports, and the PCI function that it sits on.
 *
 * Loaded as mlx4_ib. The real mlx4_core is loaded before it, as before the
 * real mlx4_ib, but does not bind to the function (see standin_pci.c).
 */
#include <linux/module.h>
#include <rdma/ib_mad.h>
#include "hca.h"

#define NODE_GUID	0x0002c90300000000ULL
#define SUBNET_PREFIX	0xfe80000000000000ULL

static int hca_query_device(struct ib_device *ib, struct ib_device_attr *attr, struct ib_udata *udata)
{
	memset(attr, 0, sizeof(*attr));
	attr->vendor_id = 0x2c9;
	attr->vendor_part_id = 4099;
	attr->sys_image_guid = ib->node_guid;
	attr->max_pkeys = HCA_PKEYS;
	attr->max_qp = 4096;
	attr->max_qp_wr = 16384;
	attr->max_send_sge = 16;
	attr->max_recv_sge = 16;
	attr->max_cq = 4096;
	attr->max_cqe = 65536;
	attr->max_mr = 4096;
	attr->max_pd = 1024;
	attr->max_ah = 65536;
	attr->max_mcast_grp = 1024;
	attr->max_mcast_qp_attach = 1024;
	return 0;
}

static int hca_query_port(struct ib_device *ib, u32 number, struct ib_port_attr *attr)
{
	struct hca_port *port = hca_port(ib, number);

	attr->state = READ_ONCE(port->state);
	attr->phys_state = attr->state == IB_PORT_DOWN ? IB_PORT_PHYS_STATE_POLLING : IB_PORT_PHYS_STATE_LINK_UP;
	attr->max_mtu = IB_MTU_4096;
	attr->active_mtu = IB_MTU_2048;
	attr->gid_tbl_len = 1;
	attr->pkey_tbl_len = HCA_PKEYS;
	attr->max_msg_sz = 1 << 30;
	attr->max_vl_num = 1;
	attr->lid = READ_ONCE(port->lid);
	attr->sm_lid = READ_ONCE(port->sm_lid);
	attr->active_width = IB_WIDTH_4X;
	attr->active_speed = IB_SPEED_FDR;
	return 0;
}

static int hca_port_immutable(struct ib_device *ib, u32 number, struct ib_port_immutable *immutable)
{
	immutable->gid_tbl_len = 1;
	immutable->pkey_tbl_len = HCA_PKEYS;
	immutable->core_cap_flags = RDMA_CORE_PORT_IBA_IB;
	immutable->max_mad_size = IB_MGMT_MAD_SIZE;
	return 0;
}

static enum rdma_link_layer hca_link_layer(struct ib_device *ib, u32 number)
{
	return IB_LINK_LAYER_INFINIBAND;
}

static int hca_query_gid(struct ib_device *ib, u32 number, int index, union ib_gid *gid)
{
	gid->global.subnet_prefix = cpu_to_be64(SUBNET_PREFIX);
	gid->global.interface_id = cpu_to_be64(READ_ONCE(hca_port(ib, number)->guid));
	return 0;
}

static int hca_query_pkey(struct ib_device *ib, u32 number, u16 index, u16 *pkey)
{
	if (index >= HCA_PKEYS)
		return -EINVAL;
	*pkey = READ_ONCE(hca_port(ib, number)->pkeys[index]);
	return 0;
}

/* ib_core and ib_cm announce capabilities to the subnet manager, and there is none. */
static int hca_modify_port(struct ib_device *ib, u32 number, int mask, struct ib_port_modify *modify)
{
	return 0;
}

/* With a user context /dev/infiniband/uverbsN works: that is how events reach user space. */
struct hca_ucontext {
	struct ib_ucontext ib;
};

static int hca_alloc_ucontext(struct ib_ucontext *context, struct ib_udata *udata)
{
	return 0;
}

static void hca_dealloc_ucontext(struct ib_ucontext *context)
{
}

/* Like the real mlx4_ib: the device can go while a program has its uverbs file open. */
static void hca_disassociate_ucontext(struct ib_ucontext *context)
{
}

static const struct ib_device_ops hca_ops = {
	.owner = THIS_MODULE,
	.driver_id = RDMA_DRIVER_UNKNOWN,
	.uverbs_abi_ver = 1,

	.query_device = hca_query_device,
	.query_port = hca_query_port,
	.get_port_immutable = hca_port_immutable,
	.get_link_layer = hca_link_layer,
	.query_gid = hca_query_gid,
	.query_pkey = hca_query_pkey,
	.modify_port = hca_modify_port,
	.alloc_ucontext = hca_alloc_ucontext,
	.dealloc_ucontext = hca_dealloc_ucontext,
	.disassociate_ucontext = hca_disassociate_ucontext,

	INIT_RDMA_OBJ_SIZE(ib_ucontext, hca_ucontext, ib),
};

static int hca_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct hca *hca = ib_alloc_device(hca, ib);
	int number, err;

	if (!hca)
		return -ENOMEM;
	for (number = 1; number <= HCA_PORTS; number++) {
		struct hca_port *port = hca_port(&hca->ib, number);

		port->pkeys[0] = IB_DEFAULT_PKEY_FULL;
		port->guid = NODE_GUID + number;
		port->state = IB_PORT_ACTIVE;
		port->lid = number;
		port->sm_lid = 1;
	}
	hca->ib.node_type = RDMA_NODE_IB_CA;
	hca->ib.phys_port_cnt = HCA_PORTS;
	hca->ib.num_comp_vectors = 1;
	hca->ib.node_guid = cpu_to_be64(NODE_GUID);
	hca->ib.dev.parent = &pdev->dev;
	strscpy(hca->ib.node_desc, "stand-in HCA", sizeof(hca->ib.node_desc));
	ib_set_device_ops(&hca->ib, &hca_ops);
	ib_set_device_ops(&hca->ib, &hca_queue_ops);

	err = ib_register_device(&hca->ib, "mlx4_%d", NULL);
	if (err) {
		ib_dealloc_device(&hca->ib);
		return err;
	}
	pci_set_drvdata(pdev, hca);
	hca_control_init(hca);
	return 0;
}

static void hca_remove(struct pci_dev *pdev)
{
	struct hca *hca = pci_get_drvdata(pdev);

	hca_control_exit(hca);
	ib_unregister_device(&hca->ib);
	ib_dealloc_device(&hca->ib);
}

/* No MODULE_DEVICE_TABLE: the alias of the function loads mlx4_core, as on hardware. */
static const struct pci_device_id hca_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_MELLANOX, 0x1003) },
	{ }
};

static struct pci_driver hca_driver = {
	.name = "mlx4_standin",
	.id_table = hca_ids,
	.probe = hca_probe,
	.remove = hca_remove,
};

module_pci_driver(hca_driver);
MODULE_DESCRIPTION("Stand-in InfiniBand HCA, without a wire");
MODULE_LICENSE("GPL");
