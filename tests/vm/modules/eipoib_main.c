// SPDX-License-Identifier: GPL-2.0
/*
 * Stand-in eth_ipoib: an Ethernet interface over every IPoIB interface of an
 * HCA port, and the IPoIB interfaces that it takes as slaves.
 *
 * It moves no packet. The rules are those that Mellanox's driver has; the
 * module shares no line with it.
 */
#include <linux/debugfs.h>
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include <linux/seq_file.h>
#include <linux/workqueue.h>
#include "eipoib.h"

/* Where IPoIB's 20-byte address has the port GUID: behind QP number and subnet prefix. */
#define GUID_OFFSET	12

#define MAC_INTERVAL	(HZ / 10)

LIST_HEAD(eipoib_all);
static LIST_HEAD(claims);
static struct delayed_work mac_work;
static struct dentry *control;

static struct eipoib_slave *claim_of(struct net_device *dev)
{
	struct eipoib_slave *slave;

	list_for_each_entry(slave, &claims, claim)
		if (slave->dev == dev)
			return slave;
	return NULL;
}

static struct eipoib *eipoib_over(struct net_device *ipoib)
{
	struct eipoib *eipoib;

	list_for_each_entry(eipoib, &eipoib_all, list)
		if (eipoib->ipoib == ipoib)
			return eipoib;
	return NULL;
}

static void set_mtu(struct eipoib *eipoib)
{
	struct eipoib_slave *slave;
	unsigned int mtu = UINT_MAX;

	list_for_each_entry(slave, &eipoib->slaves, list)
		mtu = min(mtu, slave->dev->mtu);
	if (mtu != UINT_MAX)
		dev_set_mtu(eipoib->dev, mtu);
}

/* Six of the GUID's eight bytes; all zero while the port has none. */
static void set_mac(struct eipoib *eipoib)
{
	const u8 *guid = eipoib->ipoib->dev_addr + GUID_OFFSET;
	const u8 mac[ETH_ALEN] = { guid[0], guid[1], guid[2], guid[5], guid[6], guid[7] };

	if (ether_addr_equal(eipoib->dev->dev_addr, mac))
		return;
	eth_hw_addr_set(eipoib->dev, mac);
	call_netdevice_notifiers(NETDEV_CHANGEADDR, eipoib->dev);
}

/**
 * eipoib_find - the slave of that name, or NULL
 * @eipoib: whose slave
 * @name: of the slave's interface
 */
struct eipoib_slave *eipoib_find(struct eipoib *eipoib, const char *name)
{
	struct eipoib_slave *slave;

	list_for_each_entry(slave, &eipoib->slaves, list)
		if (!strcmp(slave->dev->name, name))
			return slave;
	return NULL;
}

static int join(struct eipoib *eipoib, struct eipoib_slave *slave)
{
	int err;

	/* A substring, as in the original: "ib1" is found in "ib10.8001" too. */
	if (!strstr(slave->dev->name, eipoib->ipoib->name))
		return -EINVAL;
	err = dev_open(slave->dev, NULL);
	if (err)
		return err;
	err = netdev_master_upper_dev_link(slave->dev, eipoib->dev, NULL, NULL, NULL);
	if (err)
		return err;
	snprintf(slave->link, sizeof(slave->link), "slave_%s", slave->dev->name);
	err = sysfs_create_link(&eipoib->dev->dev.kobj, &slave->dev->dev.kobj, slave->link);
	if (err)
		goto unlink;
	err = sysfs_create_link(&slave->dev->dev.kobj, &eipoib->dev->dev.kobj, "eth_parent");
	if (err)
		goto remove_link;
	slave->eipoib = eipoib;
	list_add_tail(&slave->list, &eipoib->slaves);
	set_mtu(eipoib);
	return 0;

remove_link:
	sysfs_remove_link(&eipoib->dev->dev.kobj, slave->link);
unlink:
	netdev_upper_dev_unlink(slave->dev, eipoib->dev);
	return err;
}

/**
 * eipoib_enslave - take an IPoIB interface as a slave
 * @eipoib: what takes it
 * @name: of the IPoIB interface
 *
 * Once the interface is claimed a failure leaves it so, and the next attempt
 * gets EBUSY: the interface must be made anew.
 */
int eipoib_enslave(struct eipoib *eipoib, const char *name)
{
	struct net_device *dev = __dev_get_by_name(&init_net, name);
	struct eipoib_slave *slave;

	if (!dev)
		return -EINVAL;
	if (eipoib_find(eipoib, name))
		return -EPERM;
	if (dev->type != ARPHRD_INFINIBAND)
		return -EOPNOTSUPP;
	if (!(eipoib->dev->flags & IFF_UP))
		return -EPERM;
	if (claim_of(dev))
		return -EBUSY;
	slave = kzalloc(sizeof(*slave), GFP_KERNEL);
	if (!slave)
		return -ENOMEM;
	slave->dev = dev;
	list_add_tail(&slave->claim, &claims);
	return join(eipoib, slave);
}

static void drop(struct eipoib_slave *slave)
{
	struct eipoib *eipoib = slave->eipoib;

	list_del(&slave->claim);
	if (eipoib) {
		list_del(&slave->list);
		sysfs_remove_link(&slave->dev->dev.kobj, "eth_parent");
		sysfs_remove_link(&eipoib->dev->dev.kobj, slave->link);
		netdev_upper_dev_unlink(slave->dev, eipoib->dev);
		set_mtu(eipoib);
	}
	kfree(slave);
}

/**
 * eipoib_release - give a slave back; its vif goes with it
 * @eipoib: whose slave
 * @name: of the slave's interface
 */
int eipoib_release(struct eipoib *eipoib, const char *name)
{
	struct eipoib_slave *slave = eipoib_find(eipoib, name);
	struct net_device *dev;

	if (!slave)
		return -ENODEV;
	dev = slave->dev;
	drop(slave);
	dev_close(dev);
	return 0;
}

static netdev_tx_t eipoib_xmit(struct sk_buff *skb, struct net_device *dev)
{
	dev->stats.tx_dropped++;
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops eipoib_netdev_ops = {
	.ndo_start_xmit = eipoib_xmit,
};

static void eipoib_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	struct eipoib *eipoib = netdev_priv(dev);

	strscpy(info->driver, EIPOIB_DRIVER, sizeof(info->driver));
	strscpy(info->bus_info, eipoib->ipoib->name, sizeof(info->bus_info));
}

static const struct ethtool_ops eipoib_ethtool_ops = {
	.get_drvinfo = eipoib_drvinfo,
};

static void eipoib_setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->netdev_ops = &eipoib_netdev_ops;
	dev->ethtool_ops = &eipoib_ethtool_ops;
	dev->max_mtu = 0;
	dev->needs_free_netdev = true;
}

static void add_over(struct net_device *ipoib)
{
	struct net_device *dev = alloc_netdev(sizeof(struct eipoib), "eth%d", NET_NAME_ENUM, eipoib_setup);
	struct eipoib *eipoib;

	if (!dev)
		return;
	eipoib = netdev_priv(dev);
	eipoib->dev = dev;
	eipoib->ipoib = ipoib;
	INIT_LIST_HEAD(&eipoib->slaves);
	dev->mtu = ipoib->mtu;
	set_mac(eipoib);
	netif_carrier_off(dev);
	if (register_netdevice(dev)) {
		free_netdev(dev);
		return;
	}
	if (sysfs_create_group(&dev->dev.kobj, &eipoib_group))
		netdev_err(dev, "no eth folder\n");
	list_add_tail(&eipoib->list, &eipoib_all);
}

static void remove(struct eipoib *eipoib)
{
	struct eipoib_slave *slave, *next;

	list_for_each_entry_safe(slave, next, &eipoib->slaves, list)
		drop(slave);
	list_del(&eipoib->list);
	sysfs_remove_group(&eipoib->dev->dev.kobj, &eipoib_group);
	unregister_netdevice(eipoib->dev);
}

static void ipoib_event(unsigned long event, struct net_device *dev)
{
	struct eipoib_slave *slave = claim_of(dev);
	struct eipoib *eipoib = eipoib_over(dev);

	switch (event) {
	case NETDEV_REGISTER:
		/* A child is linked to the interface it was made of, an HCA port's own interface to itself. */
		if (dev_get_iflink(dev) == dev->ifindex)
			add_over(dev);
		break;
	case NETDEV_UNREGISTER:
		if (slave)
			drop(slave);
		if (eipoib)
			remove(eipoib);
		break;
	}
}

/* As in the original, a new name makes the eth folder go and come. */
static void renamed(struct net_device *dev)
{
	sysfs_remove_group(&dev->dev.kobj, &eipoib_group);
	if (sysfs_create_group(&dev->dev.kobj, &eipoib_group))
		netdev_err(dev, "no eth folder\n");
}

/* ib_ipoib tells nobody when a port's new GID changes the address of its interface. */
static void follow_macs(struct work_struct *work)
{
	struct eipoib *eipoib;

	if (rtnl_trylock()) {
		list_for_each_entry(eipoib, &eipoib_all, list)
			set_mac(eipoib);
		rtnl_unlock();
	}
	schedule_delayed_work(&mac_work, MAC_INTERVAL);
}

static int netdev_event(struct notifier_block *block, unsigned long event, void *info)
{
	struct net_device *dev = netdev_notifier_info_to_dev(info);

	if (!net_eq(dev_net(dev), &init_net))
		return NOTIFY_DONE;
	if (dev->type == ARPHRD_INFINIBAND)
		ipoib_event(event, dev);
	else if (dev->netdev_ops == &eipoib_netdev_ops && event == NETDEV_CHANGENAME)
		renamed(dev);
	return NOTIFY_DONE;
}

static struct notifier_block netdev_notifier = {
	.notifier_call = netdev_event,
};

/* Every vif, which the original never shows: "eth4 ib0.8064 00:02:c9:00:00:01 100 12345", -1 for untagged; since when. */
static int served_show(struct seq_file *file, void *unused)
{
	struct eipoib_slave *slave;
	struct eipoib *eipoib;

	rtnl_lock();
	list_for_each_entry(eipoib, &eipoib_all, list)
		list_for_each_entry(slave, &eipoib->slaves, list)
			if (slave->has_vif)
				seq_printf(file, "%s %s %pM %d %lld\n", eipoib->dev->name, slave->dev->name, slave->mac,
					   slave->vlan == EIPOIB_UNTAGGED ? -1 : slave->vlan,
					   ktime_to_ns(slave->since));
	rtnl_unlock();
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(served);

static int __init eipoib_init(void)
{
	int err = netdev_class_create_file_ns(&eipoib_interfaces, &init_net);

	if (err)
		return err;
	/* Tells of the interfaces that are there already, too. */
	err = register_netdevice_notifier(&netdev_notifier);
	if (err) {
		netdev_class_remove_file_ns(&eipoib_interfaces, &init_net);
		return err;
	}
	control = debugfs_create_dir("standin_eth_ipoib", NULL);
	debugfs_create_file("served", 0400, control, NULL, &served_fops);
	INIT_DELAYED_WORK(&mac_work, follow_macs);
	schedule_delayed_work(&mac_work, MAC_INTERVAL);
	return 0;
}

static void __exit eipoib_exit(void)
{
	debugfs_remove_recursive(control);
	cancel_delayed_work_sync(&mac_work);
	/* Tells that every interface goes, which removes ours. */
	unregister_netdevice_notifier(&netdev_notifier);
	netdev_class_remove_file_ns(&eipoib_interfaces, &init_net);
}

module_init(eipoib_init);
module_exit(eipoib_exit);
MODULE_DESCRIPTION("Stand-in for eth_ipoib, without a data path");
MODULE_LICENSE("GPL");
