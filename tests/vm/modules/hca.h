/* SPDX-License-Identifier: GPL-2.0 */
/* The stand-in HCA: an InfiniBand device without a wire. See ../README.md. */
#ifndef STANDIN_HCA_H
#define STANDIN_HCA_H

#include <linux/pci.h>
#include <rdma/ib_verbs.h>

#define HCA_PORTS	2
#define HCA_PKEYS	128	/* of an mlx4 port */

/**
 * struct hca_port - what a subnet manager and a cable decide on hardware
 * @pkeys: the P_Key table; 0 is an empty slot
 * @guid: of the port; 0 until something gives it one
 * @state: as the subnet manager set it
 * @lid: of the port
 * @sm_lid: of the subnet manager
 */
struct hca_port {
	u16 pkeys[HCA_PKEYS];
	u64 guid;
	enum ib_port_state state;
	u16 lid;
	u16 sm_lid;
};

/**
 * struct hca - the device
 * @ib: as ib_core knows it
 * @ports: port N is at N - 1
 * @silent: changes are not told with an event, as on a driver that lacks them
 * @control: the debugfs folder
 */
struct hca {
	struct ib_device ib;
	struct hca_port ports[HCA_PORTS];
	bool silent;
	struct dentry *control;
};

static inline struct hca *to_hca(struct ib_device *ib)
{
	return container_of(ib, struct hca, ib);
}

static inline struct hca_port *hca_port(struct ib_device *ib, u32 number)
{
	return &to_hca(ib)->ports[number - 1];
}

extern const struct ib_device_ops hca_queue_ops;

void hca_control_init(struct hca *hca);
void hca_control_exit(struct hca *hca);

#endif
