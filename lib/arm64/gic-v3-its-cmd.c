/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands of the ITS, and the queue that it reads them from (IHI 0069, 5.3). */
#include <libcflat.h>
#include <asm/gic.h>
#include <asm/gic-internal.h>
#include <asm/gic-v4.h>
#include <asm/spinlock.h>

/* An ITS that takes a command takes far less. */
#define POLLS 1000000
#define QUEUE_ENTRIES (ITS_QUEUE_SIZE / sizeof(struct its_cmd_block))
#define ITT_MASK GENMASK(51, 8)

/* Fields of commands; doublewords are numbered from 0. */
enum {
	DEVICE = 1 << 0, /* 0[63:32] */
	EVENT = 1 << 1, /* 1[31:0] */
	INTID = 1 << 2, /* 1[63:32] */
	ITT = 1 << 3, /* 1[4:0] bits of EventIDs, minus one; 2[51:8] */
	COLLECTION = 1 << 4, /* 2[15:0] */
	TARGET = 1 << 5, /* 2[51:16] */
	TARGET_2 = 1 << 6, /* 3[51:16] */
	IS_VALID = 1 << 7, /* 2[63] */
	/* Version 4 */
	VPE = 1 << 8, /* 1[47:32] */
	VPT = 1 << 9, /* 3[51:16]; 3[4:0] bits of INTIDs, minus one */
	VINTID = 1 << 10, /* 2[31:0] */
	DOORBELL = 1 << 11, /* 2[63:32] */
	NEW_DOORBELL = 1 << 12, /* 2[0]: DOORBELL is valid */
};

static const struct {
	const char *name;
	unsigned int fields;
} formats[] = {
	[GITS_CMD_MOVI] = { "MOVI", DEVICE | EVENT | COLLECTION },
	[GITS_CMD_INT] = { "INT", DEVICE | EVENT },
	[GITS_CMD_CLEAR] = { "CLEAR", DEVICE | EVENT },
	[GITS_CMD_SYNC] = { "SYNC", TARGET },
	[GITS_CMD_MAPD] = { "MAPD", DEVICE | ITT | IS_VALID },
	[GITS_CMD_MAPC] = { "MAPC", COLLECTION | TARGET | IS_VALID },
	[GITS_CMD_MAPTI] = { "MAPTI", DEVICE | EVENT | INTID | COLLECTION },
	[GITS_CMD_INV] = { "INV", DEVICE | EVENT },
	[GITS_CMD_INVALL] = { "INVALL", COLLECTION },
	[GITS_CMD_MOVALL] = { "MOVALL", TARGET | TARGET_2 },
	[GITS_CMD_DISCARD] = { "DISCARD", DEVICE | EVENT },
	[GITS_CMD_VMOVI] = { "VMOVI", DEVICE | EVENT | VPE | NEW_DOORBELL | DOORBELL },
	[GITS_CMD_VMOVP] = { "VMOVP", VPE | TARGET },
	[GITS_CMD_VSYNC] = { "VSYNC", VPE },
	[GITS_CMD_VMAPP] = { "VMAPP", VPE | TARGET | VPT | IS_VALID },
	[GITS_CMD_VMAPTI] = { "VMAPTI", DEVICE | EVENT | VPE | VINTID | DOORBELL },
	[GITS_CMD_VMAPI] = { "VMAPI", DEVICE | EVENT | VPE | DOORBELL },
	[GITS_CMD_VINVALL] = { "VINVALL", VPE },
};

/* A command as text: "MAPTI device 2 event 20 INTID 8195 collection 3". */
struct text {
	char buf[128];
	int len;
};

static void append(struct text *text, bool present, const char *fmt, u64 value)
{
	if (present)
		text->len +=
			snprintf(text->buf + text->len, sizeof(text->buf) - text->len, fmt, value);
}

static struct text describe(const struct its_cmd_block *cmd)
{
	const u64 *raw = cmd->raw_cmd;
	u8 number = raw[0];
	unsigned int fields = formats[number].fields;
	struct text text = { .len = 0 };

	text.len = snprintf(text.buf, sizeof(text.buf), "%s", formats[number].name);
	append(&text, fields & DEVICE, " device %lu", raw[0] >> 32);
	append(&text, fields & EVENT, " event %lu", raw[1] & UINT32_MAX);
	append(&text, fields & INTID, " INTID %lu", raw[1] >> 32);
	append(&text, fields & ITT, " EventID bits %lu", FIELD(raw[1], 4, 0) + 1);
	append(&text, fields & ITT, " ITT %#lx", raw[2] & ITT_MASK);
	append(&text, fields & COLLECTION, " collection %lu", FIELD(raw[2], 15, 0));
	append(&text, fields & TARGET, " target %#lx", raw[2] & ITS_RDBASE_MASK);
	append(&text, fields & TARGET_2, " to target %#lx", raw[3] & ITS_RDBASE_MASK);
	append(&text, fields & VPE, " vPE %lu", FIELD(raw[1], 47, 32));
	append(&text, fields & VPT, " VPT %#lx", raw[3] & ITS_RDBASE_MASK);
	append(&text, fields & VPT, " INTID bits %lu", FIELD(raw[3], 4, 0) + 1);
	append(&text, fields & VINTID, " vINTID %lu", raw[2] & UINT32_MAX);
	append(&text, fields & NEW_DOORBELL, " new doorbell %lu", raw[2] & 1);
	append(&text, fields & DOORBELL, " doorbell %lu", raw[2] >> 32);
	append(&text, fields & IS_VALID, " valid %lu", raw[2] >> 63);
	return text;
}

static u64 queue_offset(const struct its_cmd_block *cmd)
{
	return (const char *)cmd - (const char *)its_data.cmd_base;
}

/* GITS_CREADR when it is GITS_CWRITER, the queue has stalled, or the polls are over */
static u64 poll_until_taken(void)
{
	u64 end = queue_offset(its_data.cmd_write), creadr = 0;

	for (int i = 0; i < POLLS; i++) {
		creadr = readq(its_data.base + GITS_CREADR);
		if (creadr & GITS_CREADR_STALLED || (creadr & GITS_CREADR_OFFSET) == end)
			break;
	}
	return creadr;
}

static void wait_until_taken(const struct its_cmd_block *cmd)
{
	u64 creadr = poll_until_taken();

	if (creadr == queue_offset(its_data.cmd_write))
		return;
	report_abort("ITS: %s: expected GITS_CREADR %#lx, found %#lx (%s), GITS_CTLR %#x (%s)",
		     describe(cmd).buf, (unsigned long)queue_offset(its_data.cmd_write),
		     (unsigned long)creadr,
		     creadr & GITS_CREADR_STALLED ? "stalled" : "not stalled",
		     readl(its_data.base + GITS_CTLR),
		     readl(its_data.base + GITS_CTLR) & GITS_CTLR_ENABLE ? "enabled" : "disabled");
}

/* One command is in the queue at a time, so that it is never full. */
static void post(const struct its_cmd_block *cmd)
{
	struct its_cmd_block *entry = its_data.cmd_write;

	*entry = *cmd;
	if (++its_data.cmd_write == its_data.cmd_base + QUEUE_ENTRIES)
		its_data.cmd_write = its_data.cmd_base;
	dsb(sy); /* the command, and tables that it is about, before the ITS reads them */
	writeq(queue_offset(its_data.cmd_write), its_data.base + GITS_CWRITER);
	wait_until_taken(entry);
}

/* A handler may send a command as well: not in the middle of one. */
void its_send(struct its_cmd_block cmd, bool verbose)
{
	static struct spinlock lock;
	u64 daif = read_sysreg(daif);

	assert_msg(its_data.cmd_base, "no ITS, or no gic_init() yet");
	if (verbose)
		printf("ITS: %s\n", describe(&cmd).buf);
	daif_set(PSR_I_BIT | PSR_F_BIT);
	spin_lock(&lock);
	post(&cmd);
	spin_unlock(&lock);
	daif_restore(daif);
}

/* A command with the fields DEVICE and EVENT; others are zero. */
static struct its_cmd_block of_event(u8 number, const struct its_device *dev, u32 event)
{
	return (struct its_cmd_block){ { number | (u64)dev->device_id << 32, event } };
}

/* One with COLLECTION. */
static struct its_cmd_block of_collection(u8 number, const struct its_collection *col)
{
	return (struct its_cmd_block){ { number, 0, col->col_id } };
}

void __its_send_mapd(struct its_device *dev, int valid, bool verbose)
{
	struct its_cmd_block cmd = of_event(GITS_CMD_MAPD, dev, dev->nr_ites - 1);

	cmd.raw_cmd[2] = (virt_to_phys(dev->itt) & ITT_MASK) | (valid ? ITS_CMD_VALID : 0);
	its_send(cmd, verbose);
}

void __its_send_mapc(struct its_collection *col, int valid, bool verbose)
{
	struct its_cmd_block cmd = of_collection(GITS_CMD_MAPC, col);

	cmd.raw_cmd[2] |= (col->target_address & ITS_RDBASE_MASK) | (valid ? ITS_CMD_VALID : 0);
	its_send(cmd, verbose);
}

void __its_send_mapti(struct its_device *dev, u32 intid, u32 event, struct its_collection *col,
		      bool verbose)
{
	struct its_cmd_block cmd = of_event(GITS_CMD_MAPTI, dev, event);

	cmd.raw_cmd[1] |= (u64)intid << 32;
	cmd.raw_cmd[2] = col->col_id;
	its_send(cmd, verbose);
}

void __its_send_int(struct its_device *dev, u32 event, bool verbose)
{
	its_send(of_event(GITS_CMD_INT, dev, event), verbose);
}

void __its_send_inv(struct its_device *dev, u32 event, bool verbose)
{
	its_send(of_event(GITS_CMD_INV, dev, event), verbose);
}

void __its_send_discard(struct its_device *dev, u32 event, bool verbose)
{
	its_send(of_event(GITS_CMD_DISCARD, dev, event), verbose);
}

void __its_send_clear(struct its_device *dev, u32 event, bool verbose)
{
	its_send(of_event(GITS_CMD_CLEAR, dev, event), verbose);
}

void __its_send_invall(struct its_collection *col, bool verbose)
{
	its_send(of_collection(GITS_CMD_INVALL, col), verbose);
}

void __its_send_movi(struct its_device *dev, struct its_collection *col, u32 event, bool verbose)
{
	struct its_cmd_block cmd = of_event(GITS_CMD_MOVI, dev, event);

	cmd.raw_cmd[2] = col->col_id;
	its_send(cmd, verbose);
}

void __its_send_movall(struct its_collection *from, struct its_collection *to, bool verbose)
{
	its_send((struct its_cmd_block){ { GITS_CMD_MOVALL, 0,
					   from->target_address & ITS_RDBASE_MASK,
					   to->target_address & ITS_RDBASE_MASK } },
		 verbose);
}

void __its_send_sync(struct its_collection *col, bool verbose)
{
	its_send((struct its_cmd_block){ { GITS_CMD_SYNC, 0,
					   col->target_address & ITS_RDBASE_MASK } },
		 verbose);
}
