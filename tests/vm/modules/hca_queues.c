// SPDX-License-Identifier: GPL-2.0
/*
 * Stand-in HCA: queues.
 *
 * A send is complete as soon as it is posted and reaches nobody. A receive
 * waits for ever; moving its queue pair to the error state flushes it, which is
 * what ib_ipoib and ib_mad wait for when they close.
 */
#include <linux/slab.h>
#include <rdma/ib_umem.h>
#include "hca.h"

#define FIRST_QP_NUMBER	64

struct hca_pd {
	struct ib_pd ib;
};

struct hca_ah {
	struct ib_ah ib;
};

/**
 * struct hca_mr - a memory region
 * @ib: as ib_core knows it
 * @umem: pages of a program, NULL for all of memory; ib_uverbs pins them, and so is loaded with this module
 */
struct hca_mr {
	struct ib_mr ib;
	struct ib_umem *umem;
};

/**
 * struct hca_work - a work request on its way from post to poll
 * @list: in hca_qp.receives, then in hca_cq.done
 * @wc: what poll will give
 */
struct hca_work {
	struct list_head list;
	struct ib_wc wc;
};

struct hca_cq {
	struct ib_cq ib;
	spinlock_t lock;
	struct list_head done;
};

struct hca_qp {
	struct ib_qp ib;
	spinlock_t lock;
	struct list_head receives;
	enum ib_qp_state state;
};

static atomic_t last_qp_number = ATOMIC_INIT(FIRST_QP_NUMBER);

static struct hca_cq *to_cq(struct ib_cq *cq)
{
	return container_of(cq, struct hca_cq, ib);
}

static struct hca_qp *to_qp(struct ib_qp *qp)
{
	return container_of(qp, struct hca_qp, ib);
}

static void free_all(struct list_head *works)
{
	struct hca_work *work, *next;

	list_for_each_entry_safe(work, next, works, list)
		kfree(work);
}

static void complete_work(struct ib_cq *ib_cq, struct hca_work *work)
{
	struct hca_cq *cq = to_cq(ib_cq);
	unsigned long flags;

	spin_lock_irqsave(&cq->lock, flags);
	list_add_tail(&work->list, &cq->done);
	spin_unlock_irqrestore(&cq->lock, flags);
	if (ib_cq->comp_handler)
		ib_cq->comp_handler(ib_cq, ib_cq->cq_context);
}

static int hca_create_cq(struct ib_cq *ib_cq, const struct ib_cq_init_attr *attr, struct ib_udata *udata)
{
	struct hca_cq *cq = to_cq(ib_cq);

	spin_lock_init(&cq->lock);
	INIT_LIST_HEAD(&cq->done);
	ib_cq->cqe = attr->cqe;
	return 0;
}

static int hca_destroy_cq(struct ib_cq *ib_cq, struct ib_udata *udata)
{
	free_all(&to_cq(ib_cq)->done);
	return 0;
}

static int hca_poll_cq(struct ib_cq *ib_cq, int entries, struct ib_wc *wc)
{
	struct hca_cq *cq = to_cq(ib_cq);
	struct hca_work *work;
	unsigned long flags;
	int found = 0;

	spin_lock_irqsave(&cq->lock, flags);
	while (found < entries && !list_empty(&cq->done)) {
		work = list_first_entry(&cq->done, struct hca_work, list);
		list_del(&work->list);
		wc[found++] = work->wc;
		kfree(work);
	}
	spin_unlock_irqrestore(&cq->lock, flags);
	return found;
}

static int hca_req_notify_cq(struct ib_cq *ib_cq, enum ib_cq_notify_flags flags)
{
	return flags & IB_CQ_REPORT_MISSED_EVENTS && !list_empty(&to_cq(ib_cq)->done);
}

static int hca_create_qp(struct ib_qp *ib_qp, struct ib_qp_init_attr *attr, struct ib_udata *udata)
{
	struct hca_qp *qp = to_qp(ib_qp);

	spin_lock_init(&qp->lock);
	INIT_LIST_HEAD(&qp->receives);
	switch (attr->qp_type) {
	case IB_QPT_SMI:
		ib_qp->qp_num = 0;
		break;
	case IB_QPT_GSI:
		ib_qp->qp_num = 1;
		break;
	default:
		ib_qp->qp_num = atomic_inc_return(&last_qp_number);
	}
	return 0;
}

static void flush_receives(struct hca_qp *qp)
{
	struct hca_work *work, *next;
	unsigned long flags;
	LIST_HEAD(flushed);

	spin_lock_irqsave(&qp->lock, flags);
	list_splice_init(&qp->receives, &flushed);
	spin_unlock_irqrestore(&qp->lock, flags);
	list_for_each_entry_safe(work, next, &flushed, list) {
		list_del(&work->list);
		work->wc.status = IB_WC_WR_FLUSH_ERR;
		complete_work(qp->ib.recv_cq, work);
	}
}

static int hca_modify_qp(struct ib_qp *ib_qp, struct ib_qp_attr *attr, int mask, struct ib_udata *udata)
{
	struct hca_qp *qp = to_qp(ib_qp);
	unsigned long flags;

	if (!(mask & IB_QP_STATE))
		return 0;
	spin_lock_irqsave(&qp->lock, flags);
	qp->state = attr->qp_state;
	spin_unlock_irqrestore(&qp->lock, flags);
	if (attr->qp_state == IB_QPS_ERR)
		flush_receives(qp);
	return 0;
}

static int hca_query_qp(struct ib_qp *ib_qp, struct ib_qp_attr *attr, int mask, struct ib_qp_init_attr *init)
{
	attr->qp_state = to_qp(ib_qp)->state;
	return 0;
}

static int hca_destroy_qp(struct ib_qp *ib_qp, struct ib_udata *udata)
{
	free_all(&to_qp(ib_qp)->receives);
	return 0;
}

static struct hca_work *new_work(struct ib_qp *ib_qp, u64 wr_id, enum ib_wc_opcode opcode)
{
	struct hca_work *work = kzalloc(sizeof(*work), GFP_ATOMIC);

	if (work) {
		work->wc.wr_id = wr_id;
		work->wc.qp = ib_qp;
		work->wc.opcode = opcode;
	}
	return work;
}

static int hca_post_send(struct ib_qp *ib_qp, const struct ib_send_wr *wr, const struct ib_send_wr **bad_wr)
{
	struct hca_work *work;

	for (; wr; wr = wr->next) {
		work = new_work(ib_qp, wr->wr_id, IB_WC_SEND);
		if (!work) {
			*bad_wr = wr;
			return -ENOMEM;
		}
		if (READ_ONCE(to_qp(ib_qp)->state) == IB_QPS_ERR)
			work->wc.status = IB_WC_WR_FLUSH_ERR;
		complete_work(ib_qp->send_cq, work);
	}
	return 0;
}

static int hca_post_recv(struct ib_qp *ib_qp, const struct ib_recv_wr *wr, const struct ib_recv_wr **bad_wr)
{
	struct hca_qp *qp = to_qp(ib_qp);
	struct hca_work *work;
	unsigned long flags;

	for (; wr; wr = wr->next) {
		work = new_work(ib_qp, wr->wr_id, IB_WC_RECV);
		if (!work) {
			*bad_wr = wr;
			return -ENOMEM;
		}
		spin_lock_irqsave(&qp->lock, flags);
		list_add_tail(&work->list, &qp->receives);
		spin_unlock_irqrestore(&qp->lock, flags);
		if (READ_ONCE(qp->state) == IB_QPS_ERR)
			flush_receives(qp);
	}
	return 0;
}

static int hca_alloc_pd(struct ib_pd *pd, struct ib_udata *udata)
{
	return 0;
}

static int hca_dealloc_pd(struct ib_pd *pd, struct ib_udata *udata)
{
	return 0;
}

static int hca_create_ah(struct ib_ah *ah, struct rdma_ah_init_attr *attr, struct ib_udata *udata)
{
	return 0;
}

static int hca_destroy_ah(struct ib_ah *ah, u32 flags)
{
	return 0;
}

static struct ib_mr *new_mr(struct ib_umem *umem)
{
	struct hca_mr *mr = kzalloc(sizeof(*mr), GFP_KERNEL);

	if (!mr)
		return ERR_PTR(-ENOMEM);
	mr->umem = umem;
	return &mr->ib;
}

static struct ib_mr *hca_get_dma_mr(struct ib_pd *pd, int access)
{
	return new_mr(NULL);
}

static struct ib_mr *hca_reg_user_mr(struct ib_pd *pd, u64 start, u64 length, u64 address, int access,
				     struct ib_udata *udata)
{
	struct ib_umem *umem = ib_umem_get(pd->device, start, length, access);
	struct ib_mr *mr;

	if (IS_ERR(umem))
		return ERR_CAST(umem);
	mr = new_mr(umem);
	if (IS_ERR(mr))
		ib_umem_release(umem);
	return mr;
}

static int hca_dereg_mr(struct ib_mr *ib_mr, struct ib_udata *udata)
{
	struct hca_mr *mr = container_of(ib_mr, struct hca_mr, ib);

	ib_umem_release(mr->umem);
	kfree(mr);
	return 0;
}

/* There is nobody to hear from. */
static int hca_multicast(struct ib_qp *ib_qp, union ib_gid *gid, u16 lid)
{
	return 0;
}

const struct ib_device_ops hca_queue_ops = {
	.alloc_pd = hca_alloc_pd,
	.dealloc_pd = hca_dealloc_pd,
	.create_ah = hca_create_ah,
	.destroy_ah = hca_destroy_ah,
	.create_cq = hca_create_cq,
	.destroy_cq = hca_destroy_cq,
	.poll_cq = hca_poll_cq,
	.req_notify_cq = hca_req_notify_cq,
	.create_qp = hca_create_qp,
	.modify_qp = hca_modify_qp,
	.query_qp = hca_query_qp,
	.destroy_qp = hca_destroy_qp,
	.post_send = hca_post_send,
	.post_recv = hca_post_recv,
	.get_dma_mr = hca_get_dma_mr,
	.reg_user_mr = hca_reg_user_mr,
	.dereg_mr = hca_dereg_mr,
	.attach_mcast = hca_multicast,
	.detach_mcast = hca_multicast,

	INIT_RDMA_OBJ_SIZE(ib_pd, hca_pd, ib),
	INIT_RDMA_OBJ_SIZE(ib_ah, hca_ah, ib),
	INIT_RDMA_OBJ_SIZE(ib_cq, hca_cq, ib),
	INIT_RDMA_OBJ_SIZE(ib_qp, hca_qp, ib),
};
