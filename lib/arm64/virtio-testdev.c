/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio console that can send one buffer: polled, one descriptor, over virtio-mmio of either
 * version (Virtual I/O Device v1.2, 4.2 and 5.3).
 */
#include <libcflat.h>
#include <string.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/page.h>
#include <asm/virtio-testdev.h>

#define MAX_SLOTS 64
#define QUEUE_SIZE 2
#define LEGACY_ALIGN 64 /* of the used ring */
#define TRANSMITQ 1
#define POLLS 1000000

#define VIRTIO_MAGIC 0x74726976
#define VIRTIO_ID_CONSOLE 3
#define VIRTIO_F_VERSION_1_WORD1 1

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_DRIVER_OK 4
#define STATUS_FEATURES_OK 8

enum mmio {
	MAGIC = 0x000,
	VERSION = 0x004,
	DEVICE_ID = 0x008,
	DRIVER_FEATURES = 0x020,
	DRIVER_FEATURES_SEL = 0x024,
	GUEST_PAGE_SIZE = 0x028, /* version 1 */
	QUEUE_SEL = 0x030,
	QUEUE_NUM = 0x038,
	QUEUE_ALIGN = 0x03c, /* version 1 */
	QUEUE_PFN = 0x040, /* version 1 */
	QUEUE_READY = 0x044,
	QUEUE_NOTIFY = 0x050,
	STATUS = 0x070,
	QUEUE_DESC = 0x080,
	QUEUE_DRIVER = 0x090,
	QUEUE_DEVICE = 0x0a0,
};

struct descriptor {
	u64 address;
	u32 length;
	u16 flags, next;
};

/* The layout that version 1 prescribes. */
static struct {
	struct descriptor desc[QUEUE_SIZE];
	struct {
		u16 flags, index, ring[QUEUE_SIZE];
	} avail;
	struct {
		u16 flags, index;
		struct {
			u32 id, length;
		} ring[QUEUE_SIZE];
	} used __aligned(LEGACY_ALIGN);
} queue __aligned(PAGE_SIZE); /* version 1 takes a page number */

static struct {
	phys_addr_t base;
	u64 size;
} slots[MAX_SLOTS];
static int nr_slots;

void virtio_testdev_candidate(phys_addr_t base, u64 size)
{
	if (nr_slots < MAX_SLOTS) {
		slots[nr_slots].base = base;
		slots[nr_slots++].size = size;
	}
}

static void write_address(void *base, enum mmio reg, const volatile void *va)
{
	phys_addr_t pa = virt_to_phys(va);

	writel(pa, base + reg);
	writel(pa >> 32, base + reg + 4);
}

static void setup_queue(void *base, bool legacy)
{
	writel(TRANSMITQ, base + QUEUE_SEL);
	writel(QUEUE_SIZE, base + QUEUE_NUM);
	if (legacy) {
		writel(LEGACY_ALIGN, base + QUEUE_ALIGN);
		writel(virt_to_phys(&queue) >> PAGE_SHIFT, base + QUEUE_PFN);
		return;
	}
	write_address(base, QUEUE_DESC, queue.desc);
	write_address(base, QUEUE_DRIVER, &queue.avail);
	write_address(base, QUEUE_DEVICE, &queue.used);
	writel(1, base + QUEUE_READY);
}

static void start_device(void *base)
{
	bool legacy = readl(base + VERSION) == 1;
	u32 status = STATUS_ACKNOWLEDGE | STATUS_DRIVER;

	writel(0, base + STATUS);
	writel(status, base + STATUS);
	writel(0, base + DRIVER_FEATURES_SEL);
	writel(0, base + DRIVER_FEATURES);
	if (legacy) {
		writel(PAGE_SIZE, base + GUEST_PAGE_SIZE);
	} else {
		writel(1, base + DRIVER_FEATURES_SEL);
		writel(VIRTIO_F_VERSION_1_WORD1, base + DRIVER_FEATURES);
		status |= STATUS_FEATURES_OK;
		writel(status, base + STATUS);
	}
	setup_queue(base, legacy);
	writel(status | STATUS_DRIVER_OK, base + STATUS);
}

static void send(void *base, const char *text, int len)
{
	volatile u16 *done = &queue.used.index;

	queue.desc[0] = (struct descriptor){ .address = virt_to_phys(text), .length = len };
	queue.avail.ring[0] = 0;
	wmb();
	queue.avail.index = 1;
	writel(TRANSMITQ, base + QUEUE_NOTIFY);
	for (int i = 0; i < POLLS && !*done; i++)
		cpu_relax();
}

void virtio_testdev_map(void)
{
	phys_addr_t low = ~0UL, high = 0;

	for (int i = 0; i < nr_slots; i++) {
		low = MIN(low, slots[i].base);
		high = MAX(high, slots[i].base + slots[i].size);
	}
	if (nr_slots)
		ioremap(low, high - low);
}

void virtio_testdev_exit(int code)
{
	static char text[8];
	int len = snprintf(text, sizeof(text), "%dq", code);

	for (int i = 0; i < nr_slots; i++) {
		void *base = __va(slots[i].base);

		if (readl(base + MAGIC) == VIRTIO_MAGIC &&
		    readl(base + DEVICE_ID) == VIRTIO_ID_CONSOLE) {
			start_device(base);
			send(base, text, len);
			return;
		}
	}
}
