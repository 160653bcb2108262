/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of the host's stage-1 tables, by the names of kvm-unit-tests. */
#ifndef ASMARM64_PGTABLE_H
#define ASMARM64_PGTABLE_H

#include <alloc.h>
#include <alloc_page.h>
#include <asm/page.h>
#include <asm/pgtable-hwdef.h>
#include <asm/setup.h>

#define PTE_VALID PT_VALID
#define PTE_TYPE_PAGE (PT_VALID | PT_TABLE)
#define PTE_WBWA PTE_ATTRINDX(MT_NORMAL)
#define PTE_UNCACHED PTE_ATTRINDX(MT_DEVICE_nGnRE)
#define PTE_TAGGED PTE_ATTRINDX(MT_NORMAL_TAGGED)

#ifndef __ASSEMBLY__

typedef pteval_t pte_t;
#define pte_val(entry) (entry)
#define __pte(value) ((pte_t)(value))

/* Attributes of a leaf, without type and address */
typedef struct {
	pteval_t pgprot;
} pgprot_t;
#define pgprot_val(prot) ((prot).pgprot)
#define __pgprot(value) ((pgprot_t){ (value) })

#endif /* !__ASSEMBLY__ */
#endif
