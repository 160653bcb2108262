/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The expected stage 2: the window's pages as runs of one kind, which knows nothing of levels
 * and blocks. Splitting and collapsing change nothing here.
 */
#include <libcflat.h>
#include <errno.h>
#include <string.h>
#include "soak.h"

void model_init(struct model *model, u32 pages)
{
	*model = (struct model){ .pages = pages, .count = 1 };
}

void model_copy(struct model *to, const struct model *from)
{
	memcpy(to, from, offsetof(struct model, runs) + from->count * sizeof(from->runs[0]));
}

bool model_equal(const struct model *a, const struct model *b)
{
	return a->count == b->count && !memcmp(a->runs, b->runs, a->count * sizeof(a->runs[0]));
}

static u32 run_end(const struct model *model, u32 index)
{
	return index + 1 < model->count ? model->runs[index + 1].first : model->pages;
}

/* The run that @page is in. */
static u32 find_run(const struct model *model, u32 page)
{
	u32 low = 0, high = model->count;

	while (high - low > 1) {
		u32 middle = (low + high) / 2;

		if (model->runs[middle].first <= page)
			low = middle;
		else
			high = middle;
	}
	return low;
}

u32 model_flags(const struct model *model, u32 page)
{
	return model->runs[find_run(model, page)].flags;
}

void model_extent(const struct model *model, u32 page, u32 *first, u32 *end)
{
	u32 index = find_run(model, page);

	*first = model->runs[index].first;
	*end = run_end(model, index);
}

static void insert_run(struct model *model, u32 index, u32 first, u32 flags)
{
	assert_msg(model->count < MAX_RUNS, "more than %d runs", MAX_RUNS);
	memmove(&model->runs[index + 1], &model->runs[index],
		(model->count - index) * sizeof(model->runs[0]));
	model->runs[index] = (struct run){ first, flags };
	model->count++;
}

static void remove_runs(struct model *model, u32 index, u32 count)
{
	memmove(&model->runs[index], &model->runs[index + count],
		(model->count - index - count) * sizeof(model->runs[0]));
	model->count -= count;
}

/* Have a run begin at @page; its index. */
static u32 begin_run(struct model *model, u32 page)
{
	u32 index;

	if (page == model->pages)
		return model->count;
	index = find_run(model, page);
	if (model->runs[index].first == page)
		return index;
	insert_run(model, index + 1, page, model->runs[index].flags);
	return index + 1;
}

static void merge_with_previous(struct model *model, u32 index)
{
	if (index && index < model->count &&
	    model->runs[index].flags == model->runs[index - 1].flags)
		remove_runs(model, index, 1);
}

void model_set(struct model *model, u32 first, u32 end, u32 flags)
{
	u32 from = begin_run(model, first), to = begin_run(model, end);

	model->runs[from].flags = flags;
	remove_runs(model, from + 1, to - from - 1);
	merge_with_previous(model, from + 1);
	merge_with_previous(model, from);
}

static bool any_mapped(const struct model *model, u32 first, u32 end)
{
	for (u32 i = find_run(model, first); i < model->count && model->runs[i].first < end; i++)
		if (model->runs[i].flags)
			return true;
	return false;
}

static void protect(struct model *model, u32 first, u32 end, u32 flags)
{
	for (u32 page = first; page < end;) {
		u32 from, to;

		model_extent(model, page, &from, &to);
		to = MIN(to, end);
		if (model_flags(model, page))
			model_set(model, page, to, flags);
		page = to;
	}
}

int model_change(struct model *model, const struct change *change)
{
	u32 end = change->first + change->count;
	u32 flags = change->flags & ~(S2_MAP_CONTIGUOUS | S2_MAP_NOREPLACE);

	switch (change->kind) {
	case CHANGE_MAP:
		if ((change->flags & S2_MAP_NOREPLACE) && any_mapped(model, change->first, end))
			return -EEXIST;
		model_set(model, change->first, end, flags);
		break;
	case CHANGE_UNMAP:
		model_set(model, change->first, end, 0);
		break;
	case CHANGE_PROTECT:
		protect(model, change->first, end, flags);
		break;
	default:
		break;
	}
	return 0;
}

/* In the order of their priority (DDI 0487, D8.15.4). */
unsigned int model_fault(const struct model *model, u32 page, bool write)
{
	u32 flags = model_flags(model, page);

	if (!flags)
		return ESR_ELx_FSC_FAULT;
	if ((flags & S2_MAP_NOT_ACCESSED) && !model->hw_access)
		return ESR_ELx_FSC_ACCESS;
	if (write && !(flags & S2_MAP_WRITE) && !((flags & S2_MAP_TRACK_DIRTY) && model->hw_dirty))
		return ESR_ELx_FSC_PERM;
	return 0;
}
