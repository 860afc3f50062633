// SPDX-License-Identifier: GPL-2.0
/*
 * Stand-in HCA: the knobs of the world outside, in debugfs.
 *
 * /sys/kernel/debug/standin_hca/silent		0 or 1: changes make no event
 * /sys/kernel/debug/standin_hca/port<N>/
 *	pkeys		the whole table as words ("0xffff 0x8064"); missing ones are 0
 *	state		DOWN, INIT, ARMED or ACTIVE
 *	guid		hexadecimal, 0: none yet
 *	lid, sm_lid
 *	reregister	whatever is written: the subnet manager asks for a new registration
 *
 * Each write makes the change and then the event that the subnet manager's
 * or the cable's action makes on hardware.
 */
#include <linux/debugfs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "hca.h"

#define MAX_TEXT	(HCA_PKEYS * sizeof("0x0000"))

static const char * const state_names[] = {
	[IB_PORT_DOWN] = "DOWN",
	[IB_PORT_INIT] = "INIT",
	[IB_PORT_ARMED] = "ARMED",
	[IB_PORT_ACTIVE] = "ACTIVE",
};

/**
 * struct knob - a file of a port
 * @name: of the file
 * @event: told when @set has succeeded
 * @set: makes the change out of the text written
 */
struct knob {
	const char *name;
	enum ib_event_type event;
	int (*set)(struct hca_port *port, char *text);
};

static int set_pkeys(struct hca_port *port, char *text)
{
	u16 table[HCA_PKEYS] = {};
	int index = 0, err;
	char *word;

	while ((word = strsep(&text, " \n"))) {
		if (!*word)
			continue;
		if (index == HCA_PKEYS)
			return -ENOSPC;
		err = kstrtou16(word, 0, &table[index++]);
		if (err)
			return err;
	}
	for (index = 0; index < HCA_PKEYS; index++)
		WRITE_ONCE(port->pkeys[index], table[index]);
	return 0;
}

static int set_state(struct hca_port *port, char *text)
{
	int state;

	for (state = IB_PORT_DOWN; state <= IB_PORT_ACTIVE; state++) {
		if (!strcmp(strim(text), state_names[state])) {
			WRITE_ONCE(port->state, state);
			return 0;
		}
	}
	return -EINVAL;
}

static int set_guid(struct hca_port *port, char *text)
{
	return kstrtou64(strim(text), 16, &port->guid);
}

static int set_lid(struct hca_port *port, char *text)
{
	return kstrtou16(strim(text), 0, &port->lid);
}

static int set_sm_lid(struct hca_port *port, char *text)
{
	return kstrtou16(strim(text), 0, &port->sm_lid);
}

static int reregister(struct hca_port *port, char *text)
{
	return 0;
}

static const struct knob knobs[] = {
	{ "pkeys", IB_EVENT_PKEY_CHANGE, set_pkeys },
	{ "state", IB_EVENT_PORT_ERR, set_state },
	{ "guid", IB_EVENT_GID_CHANGE, set_guid },
	{ "lid", IB_EVENT_LID_CHANGE, set_lid },
	{ "sm_lid", IB_EVENT_SM_CHANGE, set_sm_lid },
	{ "reregister", IB_EVENT_CLIENT_REREGISTER, reregister },
};

static void tell(struct hca *hca, struct hca_port *port, enum ib_event_type type)
{
	struct ib_event event = {
		.device = &hca->ib,
		.event = type,
		.element.port_num = port - hca->ports + 1,
	};

	if (type == IB_EVENT_PORT_ERR && port->state == IB_PORT_ACTIVE)
		event.event = IB_EVENT_PORT_ACTIVE;
	if (!hca->silent)
		ib_dispatch_event(&event);
}

static ssize_t knob_write(struct file *file, const char __user *buffer, size_t count, loff_t *position)
{
	struct dentry *folder = file->f_path.dentry->d_parent;
	const struct knob *knob = file->private_data;
	struct hca_port *port = d_inode(folder)->i_private;
	struct hca *hca = d_inode(folder->d_parent)->i_private;
	char *text;
	int err;

	if (count > MAX_TEXT)
		return -E2BIG;
	text = memdup_user_nul(buffer, count);
	if (IS_ERR(text))
		return PTR_ERR(text);
	err = knob->set(port, text);
	kfree(text);
	if (err)
		return err;
	tell(hca, port, knob->event);
	return count;
}

static const struct file_operations knob_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = knob_write,
	.llseek = noop_llseek,
};

/**
 * hca_control_init - make the debugfs folder
 * @hca: a registered device
 */
void hca_control_init(struct hca *hca)
{
	int number, index;

	hca->control = debugfs_create_dir("standin_hca", NULL);
	if (IS_ERR(hca->control))
		return;
	d_inode(hca->control)->i_private = hca;
	debugfs_create_bool("silent", 0600, hca->control, &hca->silent);
	for (number = 1; number <= HCA_PORTS; number++) {
		struct dentry *folder;
		char name[sizeof("port1")];

		snprintf(name, sizeof(name), "port%d", number);
		folder = debugfs_create_dir(name, hca->control);
		d_inode(folder)->i_private = hca_port(&hca->ib, number);
		for (index = 0; index < ARRAY_SIZE(knobs); index++)
			debugfs_create_file(knobs[index].name, 0200, folder, (void *)&knobs[index], &knob_fops);
	}
}

/**
 * hca_control_exit - remove the debugfs folder
 * @hca: the device
 */
void hca_control_exit(struct hca *hca)
{
	debugfs_remove_recursive(hca->control);
}
