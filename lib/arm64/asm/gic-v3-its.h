/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Interrupt Translation Service of GIC version 3 (IHI 0069, 5.2): events of devices become LPIs
 * of CPUs. The first ITS in the device tree.
 *
 *	its_enable_defaults();			after gic_enable_defaults() on each CPU
 *	dev = its_create_device(id, bits);	its_send_mapd(dev, true);
 *	col = its_create_collection(id, cpu);	its_send_mapc(col, true);
 *	gicv3_lpi_set_config(LPI(n), LPI_PROP_DEFAULT);
 *	its_send_mapti(dev, LPI(n), event, col);
 *	its_send_invall(col);			and its_send_sync(col)
 *
 * gic_init() sets its_data up in images that use something of this file, and in no others.
 */
#ifndef ASMARM64_GIC_V3_ITS_H
#define ASMARM64_GIC_V3_ITS_H

#include <libcflat.h>
#include <bitops.h>

/* Registers, from its_data.base; the other frame has GITS_TRANSLATER */
#define GITS_CTLR 0x0000
#define GITS_IIDR 0x0004
#define GITS_TYPER 0x0008
#define GITS_CBASER 0x0080
#define GITS_CWRITER 0x0088
#define GITS_CREADR 0x0090
#define GITS_BASER 0x0100 /* of eight bytes each */
#define GITS_TRANSLATER 0x10040

#define GITS_CTLR_ENABLE (1U << 0)
#define GITS_CTLR_QUIESCENT (1U << 31)

#define GITS_TYPER_PLPIS BIT(0)
#define GITS_TYPER_VLPIS BIT(1)
#define GITS_TYPER_ITT_ENTRY_SIZE GENMASK(7, 4) /* bytes, minus one; so are the bits of IDs */
#define GITS_TYPER_ITT_ENTRY_SIZE_SHIFT 4
#define GITS_TYPER_IDBITS GENMASK(12, 8)
#define GITS_TYPER_IDBITS_SHIFT 8
#define GITS_TYPER_DEVBITS GENMASK(17, 13)
#define GITS_TYPER_DEVBITS_SHIFT 13
#define GITS_TYPER_PTA BIT(19)
#define GITS_TYPER_CIDBITS GENMASK(35, 32) /* with CIL; else 16 bits */
#define GITS_TYPER_CIDBITS_SHIFT 32
#define GITS_TYPER_CIL BIT(36)
#define GITS_TYPER_VMOVP BIT(37) /* VMOVP of one ITS is for all of them */
#define GITS_TYPER_VSGI BIT(39) /* version 4.1 */

#define GITS_CBASER_VALID BIT(63)
#define GITS_CREADR_STALLED BIT(0)
#define GITS_CREADR_OFFSET GENMASK(19, 5)

#define GITS_BASER_NR_REGS 8
#define GITS_BASER_VALID BIT(63)
#define GITS_BASER_INDIRECT BIT(62)
#define GITS_BASER_TYPE_SHIFT 56
#define GITS_BASER_TYPE(r) (((r) >> GITS_BASER_TYPE_SHIFT) & 7)
#define GITS_BASER_ENTRY_SIZE_SHIFT 48
#define GITS_BASER_ENTRY_SIZE(r) ((((r) >> GITS_BASER_ENTRY_SIZE_SHIFT) & 0x1f) + 1)
#define GITS_BASER_PHYS_ADDR_MASK GENMASK(47, 12)
#define GITS_BASER_PAGE_SIZE_SHIFT 8
#define GITS_BASER_PAGE_SIZE_4K (0UL << GITS_BASER_PAGE_SIZE_SHIFT)
#define GITS_BASER_PAGE_SIZE_16K (1UL << GITS_BASER_PAGE_SIZE_SHIFT)
#define GITS_BASER_PAGE_SIZE_64K (2UL << GITS_BASER_PAGE_SIZE_SHIFT)
#define GITS_BASER_PAGE_SIZE_MASK (3UL << GITS_BASER_PAGE_SIZE_SHIFT)
#define GITS_BASER_PAGES_MAX 256
#define GITS_BASER_PAGES_SHIFT 0
#define GITS_BASER_NR_PAGES(r) (((r) & 0xff) + 1)
#define GITS_BASER_TYPE_NONE 0
#define GITS_BASER_TYPE_DEVICE 1
#define GITS_BASER_TYPE_VPE 2
#define GITS_BASER_TYPE_COLLECTION 4

/* Commands (IHI 0069, 5.3) */
#define GITS_CMD_MOVI 0x01
#define GITS_CMD_INT 0x03
#define GITS_CMD_CLEAR 0x04
#define GITS_CMD_SYNC 0x05
#define GITS_CMD_MAPD 0x08
#define GITS_CMD_MAPC 0x09
#define GITS_CMD_MAPTI 0x0a
#define GITS_CMD_MAPI 0x0b
#define GITS_CMD_INV 0x0c
#define GITS_CMD_INVALL 0x0d
#define GITS_CMD_MOVALL 0x0e
#define GITS_CMD_DISCARD 0x0f

struct its_cmd_block {
	u64 raw_cmd[4];
};

/* GITS_TYPER, decoded */
struct its_typer {
	unsigned int ite_size; /* bytes of an entry of an ITT */
	unsigned int eventid_bits, deviceid_bits, collid_bits;
	bool pta; /* targets are addresses of redistributors, not numbers of CPUs */
	bool phys_lpi, virt_lpi, virt_sgi;
};

/* A table of the ITS, in one level: GITS_BASER<index> */
struct its_baser {
	int index;
	size_t psz; /* bytes of a page of it */
	int esz; /* bytes of an entry */
	bool indirect; /* as the register was at reset */
	void *table_addr;
	u64 nr_entries; /* more than the highest ID */
};

#define GITS_MAX_DEVICES 8
#define GITS_MAX_COLLECTIONS 8

struct its_device {
	u32 device_id;
	u32 nr_ites; /* bits of its EventIDs: 2^nr_ites entries */
	void *itt;
};

struct its_collection {
	u64 target_address; /* RDbase of commands: its bits 15:0 are 0 */
	u16 col_id;
};

struct its_data {
	void *base; /* NULL: no ITS */
	struct its_typer typer;
	struct its_baser device_baser, coll_baser;
	struct its_baser vpe_baser; /* with virtual LPIs */
	struct its_cmd_block *cmd_base, *cmd_write; /* the queue, and its next free entry */
	struct its_device devices[GITS_MAX_DEVICES];
	u32 nr_devices;
	struct its_collection collections[GITS_MAX_COLLECTIONS];
	u16 nr_collections;
	void (*probe)(void); /* for gic_init() */
};
extern struct its_data its_data;

#define gicv3_its_base() (its_data.base)
/* Virtual LPIs: asm/gic-v4.h. After gic_init(). */
#define is_gicv4() (its_data.typer.virt_lpi)

/* gic_init(), and the reason for report_skip() if there is no ITS, else NULL. */
const char *its_unsupported(void);

/* Read GITS_TYPER into its_data. */
void its_parse_typer(void);
/* @baser: the index, entry size and kind of the table of @type; -1 when the ITS has none. */
int its_baser_lookup(int type, struct its_baser *baser);
/* With its_data.base set: tables and command queue. The ITS is disabled after it. */
void its_init(void);
/*
 * gicv3_lpi_alloc_tables(), and enable LPIs on the CPUs that are online, and the ITS. Again after
 * more CPUs have come.
 */
void its_enable_defaults(void);

/*
 * Only in memory: MAPD and MAPC are its_send_mapd() and its_send_mapc(). @nr_ites is the number of
 * bits of EventIDs, 1 to its_data.typer.eventid_bits, as kvm-unit-tests has it. At most
 * GITS_MAX_DEVICES and GITS_MAX_COLLECTIONS of them; more abort the run.
 */
struct its_device *its_create_device(u32 device_id, int nr_ites);
struct its_collection *its_create_collection(u16 col_id, u32 cpu);
/* The first one with this ID that was created; without one the run is aborted. */
struct its_device *its_get_device(u32 device_id);
struct its_collection *its_get_collection(u32 col_id);

/*
 * One command each, from any CPU; returns when the ITS has taken it from the queue. A queue that
 * stalls, or does not go on, aborts the run with the command. @verbose: print it. Effects at the
 * redistributor of a CPU are complete after its_send_sync().
 */
void __its_send_mapd(struct its_device *dev, int valid, bool verbose);
void __its_send_mapc(struct its_collection *col, int valid, bool verbose);
void __its_send_mapti(struct its_device *dev, u32 intid, u32 event, struct its_collection *col,
		      bool verbose);
void __its_send_int(struct its_device *dev, u32 event, bool verbose);
void __its_send_inv(struct its_device *dev, u32 event, bool verbose);
void __its_send_discard(struct its_device *dev, u32 event, bool verbose);
void __its_send_clear(struct its_device *dev, u32 event, bool verbose);
void __its_send_invall(struct its_collection *col, bool verbose);
void __its_send_movi(struct its_device *dev, struct its_collection *col, u32 event, bool verbose);
/* All LPIs of the CPU of @from to the CPU of @to. */
void __its_send_movall(struct its_collection *from, struct its_collection *to, bool verbose);
void __its_send_sync(struct its_collection *col, bool verbose);

#define its_send_mapd(dev, valid) __its_send_mapd(dev, valid, true)
#define its_send_mapc(col, valid) __its_send_mapc(col, valid, true)
#define its_send_mapti(dev, intid, event, col) __its_send_mapti(dev, intid, event, col, true)
#define its_send_int(dev, event) __its_send_int(dev, event, true)
#define its_send_inv(dev, event) __its_send_inv(dev, event, true)
#define its_send_discard(dev, event) __its_send_discard(dev, event, true)
#define its_send_clear(dev, event) __its_send_clear(dev, event, true)
#define its_send_invall(col) __its_send_invall(col, true)
#define its_send_movi(dev, col, event) __its_send_movi(dev, col, event, true)
#define its_send_movall(from, to) __its_send_movall(from, to, true)
#define its_send_sync(col) __its_send_sync(col, true)

/* Not verbose */
#define its_send_mapd_nv(dev, valid) __its_send_mapd(dev, valid, false)
#define its_send_mapc_nv(col, valid) __its_send_mapc(col, valid, false)
#define its_send_mapti_nv(dev, intid, event, col) __its_send_mapti(dev, intid, event, col, false)
#define its_send_int_nv(dev, event) __its_send_int(dev, event, false)
#define its_send_inv_nv(dev, event) __its_send_inv(dev, event, false)
#define its_send_discard_nv(dev, event) __its_send_discard(dev, event, false)
#define its_send_clear_nv(dev, event) __its_send_clear(dev, event, false)
#define its_send_invall_nv(col) __its_send_invall(col, false)
#define its_send_movi_nv(dev, col, event) __its_send_movi(dev, col, event, false)
#define its_send_movall_nv(from, to) __its_send_movall(from, to, false)
#define its_send_sync_nv(col) __its_send_sync(col, false)

#endif
