/* SPDX-License-Identifier: GPL-2.0 */
/* Stand-in eth_ipoib: the sysfs side of Ethernet over IPoIB. See ../README.md. */
#ifndef STANDIN_EIPOIB_H
#define STANDIN_EIPOIB_H

#include <linux/etherdevice.h>
#include <linux/ktime.h>
#include <linux/netdevice.h>

#define EIPOIB_DRIVER	"eth_ipoib"
#define EIPOIB_UNTAGGED	S16_MIN

/**
 * struct eipoib - an Ethernet interface over an IPoIB interface
 * @list: among all of them
 * @dev: the Ethernet interface
 * @ipoib: the IPoIB interface of the HCA port
 * @slaves: struct eipoib_slave, in the order they came
 *
 * Everything here and in struct eipoib_slave is guarded by the RTNL.
 */
struct eipoib {
	struct list_head list;
	struct net_device *dev;
	struct net_device *ipoib;
	struct list_head slaves;
};

/**
 * struct eipoib_slave - an IPoIB interface that was claimed
 * @claim: among all claimed interfaces
 * @list: in eipoib.slaves
 * @dev: the IPoIB interface
 * @eipoib: what it serves; NULL when enslaving failed half way, which leaves the claim for ever
 * @link: name of the symbolic link in the folder of @eipoib
 * @has_vif: whether @mac and @vlan say something
 * @mac: of the vif
 * @vlan: of the vif, or EIPOIB_UNTAGGED
 * @since: when the vif was made, CLOCK_MONOTONIC
 */
struct eipoib_slave {
	struct list_head claim;
	struct list_head list;
	struct net_device *dev;
	struct eipoib *eipoib;
	char link[IFNAMSIZ + sizeof("slave_")];
	bool has_vif;
	u8 mac[ETH_ALEN];
	s16 vlan;
	ktime_t since;
};

extern struct list_head eipoib_all;
extern const struct attribute_group eipoib_group;
extern const struct class_attribute eipoib_interfaces;

int eipoib_enslave(struct eipoib *eipoib, const char *name);
int eipoib_release(struct eipoib *eipoib, const char *name);
struct eipoib_slave *eipoib_find(struct eipoib *eipoib, const char *name);

#endif
