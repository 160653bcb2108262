/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that has run out, for tests of that case. */
#ifndef SHORTAGE_H
#define SHORTAGE_H

struct held_pages;

/* Take all free pages, the largest blocks first. */
struct held_pages *hold_all_pages(void);
void release_pages(struct held_pages *held);

#endif
