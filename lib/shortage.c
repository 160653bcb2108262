/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <libcflat.h>
#include <alloc_page.h>
#include <shortage.h>

#define LARGEST_ORDER 13

/* In the pages themselves. */
struct held_pages {
	struct held_pages *next;
};

struct held_pages *hold_all_pages(void)
{
	struct held_pages *list = NULL, *one;

	for (int order = LARGEST_ORDER; order >= 0; order--)
		while ((one = alloc_pages_flags(order, FLAG_DONTZERO))) {
			one->next = list;
			list = one;
		}
	return list;
}

void release_pages(struct held_pages *held)
{
	while (held) {
		struct held_pages *next = held->next;

		free_pages(held);
		held = next;
	}
}
