/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of stage-2 tables: allocated before a change, freed after it. */
#include <libcflat.h>
#include <alloc_page.h>
#include <errno.h>
#include <asm/page.h>
#include <asm/stage2-internal.h>

static struct spare_table *push_table(struct spare_table *list, void *table)
{
	struct spare_table *head = table;

	head->next = list;
	return head;
}

void s2_free_tables(struct spare_table *list)
{
	while (list) {
		struct spare_table *next = list->next;

		free_pages(list);
		list = next;
	}
}

int s2_alloc_spare_tables(struct s2_change *change, long count)
{
	u64 size = s2_page_size(change->mmu);

	while (count-- > 0) {
		void *table = memalign_pages_flags(size, size, FLAG_DONTZERO);

		if (!table) {
			s2_free_tables(change->spare);
			change->spare = NULL;
			return -ENOMEM;
		}
		change->spare = push_table(change->spare, table);
	}
	return 0;
}

pteval_t *s2_take_spare_table(struct s2_change *change)
{
	struct spare_table *table = change->spare;

	assert(table);
	change->spare = table->next;
	return (pteval_t *)table;
}

void s2_clear_table(const struct s2_mmu *mmu, pteval_t *table)
{
	/* The host's pages may be larger than the guest's: a table then has one for itself. */
	clear_pages(table, DIV_ROUND_UP(s2_page_size(mmu), PAGE_SIZE));
}

void s2_drop_table(struct s2_change *change, pteval_t *table)
{
	change->dropped = push_table(change->dropped, table);
}

void s2_drop_tree(struct s2_change *change, pteval_t *table, int level)
{
	if (level < PT_LEVEL_LAST)
		for (unsigned int i = 0; i < s2_table_entries(change->mmu); i++)
			if (pt_is_table(table[i], level))
				s2_drop_tree(change, s2_table_of(table[i]), level + 1);
	s2_drop_table(change, table);
}
