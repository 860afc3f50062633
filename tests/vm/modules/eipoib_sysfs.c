// SPDX-License-Identifier: GPL-2.0
/*
 * Stand-in eth_ipoib: eth_ipoib_interfaces and the eth folder of an interface.
 *
 * What the original gets wrong is kept where a program can see it: pages that
 * are cut in the middle of a row, "-" on vifs that does nothing. What would
 * damage the kernel is not: a word too long for the original's buffers gives
 * E2BIG, which the original has nowhere.
 */
#include <linux/ctype.h>
#include <linux/rtnetlink.h>
#include "eipoib.h"

#define MAX_NAME	(IFNAMSIZ - 1)
#define MAX_MAC		(sizeof("00:11:22:33:44:55") - 1)

#define for_each_word(word, text) \
	while (((word) = strsep(&(text), " \t\n"))) \
		if (*(word))

static struct eipoib *to_eipoib(struct device *dev)
{
	return netdev_priv(to_net_dev(dev));
}

/* The last byte becomes a newline whatever it was: a row that is cut behind "VLAN=12" looks whole. */
static ssize_t end_page(char *page, ssize_t length)
{
	if (length)
		page[length - 1] = '\n';
	return length;
}

static ssize_t eth_ipoib_interfaces_show(struct class *class, struct class_attribute *attr, char *page)
{
	struct eipoib *eipoib;
	ssize_t length = 0;

	if (!rtnl_trylock())
		return restart_syscall();
	list_for_each_entry(eipoib, &eipoib_all, list)
		length += scnprintf(page + length, PAGE_SIZE - length, "%s over IB port: %s\n",
				    eipoib->dev->name, eipoib->ipoib->name);
	rtnl_unlock();
	return end_page(page, length);
}

const struct class_attribute eipoib_interfaces = __ATTR_RO(eth_ipoib_interfaces);

static ssize_t slaves_show(struct device *dev, struct device_attribute *attr, char *page)
{
	struct eipoib_slave *slave;
	ssize_t length = 0;

	if (!rtnl_trylock())
		return restart_syscall();
	list_for_each_entry(slave, &to_eipoib(dev)->slaves, list)
		length += scnprintf(page + length, PAGE_SIZE - length, "%s\n", slave->dev->name);
	rtnl_unlock();
	return end_page(page, length);
}

static ssize_t slaves_store(struct device *dev, struct device_attribute *attr, const char *text, size_t count)
{
	char command[IFNAMSIZ + 1];
	int err;

	if (sscanf(text, "%16s", command) != 1 || !command[1])
		return -EPERM;
	if (*command != '+' && *command != '-')
		return -EPERM;
	if (!rtnl_trylock())
		return restart_syscall();
	if (*command == '+')
		err = eipoib_enslave(to_eipoib(dev), command + 1);
	else
		err = eipoib_release(to_eipoib(dev), command + 1);
	rtnl_unlock();
	return err ?: count;
}
static DEVICE_ATTR_RW(slaves);

static int print_vif(char *row, ssize_t size, struct eipoib_slave *slave)
{
	char mac[MAX_MAC + 1] = "N/A", vlan[sizeof("-32768")] = "N/A";

	if (slave->has_vif)
		snprintf(mac, sizeof(mac), "%pM", slave->mac);
	if (slave->has_vif && slave->vlan != EIPOIB_UNTAGGED)
		snprintf(vlan, sizeof(vlan), "%d", slave->vlan);
	return scnprintf(row, size, "SLAVE=%-10s MAC=%-17s VLAN=%s\n", slave->dev->name, mac, vlan);
}

static ssize_t vifs_show(struct device *dev, struct device_attribute *attr, char *page)
{
	struct eipoib_slave *slave;
	ssize_t length = 0;

	if (!rtnl_trylock())
		return restart_syscall();
	list_for_each_entry(slave, &to_eipoib(dev)->slaves, list)
		length += print_vif(page + length, PAGE_SIZE - length, slave);
	rtnl_unlock();
	return end_page(page, length);
}

/* One or two hexadecimal digits a byte, as sscanf("%hhx:...") takes them. */
static bool parse_mac(const char *text, u8 *mac)
{
	int end = 0;

	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx%n", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5],
		      &end) == ETH_ALEN && !text[end] && is_valid_ether_addr(mac);
}

static bool is_served(struct eipoib *eipoib, const u8 *mac, s16 vlan)
{
	struct eipoib_slave *slave;

	list_for_each_entry(slave, &eipoib->slaves, list)
		if (slave->has_vif && slave->vlan == vlan && ether_addr_equal(slave->mac, mac))
			return true;
	return false;
}

static int add_vif(struct eipoib *eipoib, struct eipoib_slave *slave, const char *mac_text, const char *vlan_text)
{
	s16 vlan = EIPOIB_UNTAGGED;
	u8 mac[ETH_ALEN];

	if (!mac_text || !parse_mac(mac_text, mac))
		return -EINVAL;
	if (vlan_text && sscanf(vlan_text, "%hd", &vlan) != 1)
		vlan = EIPOIB_UNTAGGED;
	if (slave->has_vif || is_served(eipoib, mac, vlan))
		return -EINVAL;
	slave->has_vif = true;
	slave->vlan = vlan;
	slave->since = ktime_get();
	ether_addr_copy(slave->mac, mac);
	return 0;
}

static int change_vif(struct eipoib *eipoib, char **words)
{
	struct eipoib_slave *slave;
	char sign;

	if (!words[0] || strlen(words[0]) > MAX_NAME + 1 || (words[1] && strlen(words[1]) > MAX_MAC)) {
		netdev_err(eipoib->dev, "the original would overrun its buffers here\n");
		return -E2BIG;
	}
	sign = *words[0];
	if (!words[0][1] || (sign != '+' && sign != '-'))
		return -EPERM;
	slave = eipoib_find(eipoib, words[0] + 1);
	if (!slave)
		return -EINVAL;
	if (sign == '-')
		return 0;
	return add_vif(eipoib, slave, words[1], words[2]);
}

static ssize_t vifs_store(struct device *dev, struct device_attribute *attr, const char *text, size_t count)
{
	char *copy = kstrdup(text, GFP_KERNEL), *rest = copy, *word, *words[3] = {};
	int found = 0, err;

	if (!copy)
		return -ENOMEM;
	for_each_word(word, rest) {
		words[found++] = word;
		if (found == ARRAY_SIZE(words))
			break;
	}
	if (!rtnl_trylock()) {
		kfree(copy);
		return restart_syscall();
	}
	err = change_vif(to_eipoib(dev), words);
	rtnl_unlock();
	kfree(copy);
	return err ?: count;
}
static DEVICE_ATTR_RW(vifs);

/* What ARP has learned: nothing passes here. */
static ssize_t neighs_show(struct device *dev, struct device_attribute *attr, char *page)
{
	return 0;
}
static DEVICE_ATTR_RO(neighs);

static ssize_t served_show(struct device *dev, struct device_attribute *attr, char *page)
{
	return 0;
}

static ssize_t served_store(struct device *dev, struct device_attribute *attr, const char *text, size_t count)
{
	return count;
}
static DEVICE_ATTR_RW(served);

static struct attribute *eipoib_attributes[] = {
	&dev_attr_slaves.attr,
	&dev_attr_vifs.attr,
	&dev_attr_neighs.attr,
	&dev_attr_served.attr,
	NULL
};

const struct attribute_group eipoib_group = {
	.name = "eth",
	.attrs = eipoib_attributes,
};
