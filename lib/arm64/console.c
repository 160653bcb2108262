/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The console: the UART that the device tree names. */
#include <libcflat.h>
#include <asm/console.h>
#include <asm/deadline.h>
#include <asm/guest-call.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/smp.h>
#include <asm/spinlock.h>
#include <asm/thread_info.h>

/* PL011 (Arm DDI 0183, 3.3) */
#define PL011_DR 0x00
#define PL011_FR 0x18
#define PL011_FR_RXFE (1 << 4)
#define PL011_FR_TXFF (1 << 5)
/* 16550 */
#define UART16550_RBR 0
#define UART16550_THR 0
#define UART16550_LSR 5
#define UART16550_LSR_DR (1 << 0)
#define UART16550_LSR_THRE (1 << 5)

/* For whoever is to type something */
#define GETCHAR_MS 60000

/* For another CPU to finish its output, at the end of the run */
#define CLAIM_MS 1000

static struct spinlock lock;
static int holder; /* of the lock: number of the CPU + 1 */
static int owner; /* of the console, since console_claim(): likewise */
static enum console_type type;
static void *base;
static bool at_line_start = true;

void console_setup(enum console_type t, void *registers)
{
	type = t;
	base = registers;
}

static void putchar_pl011(char c)
{
	while (readl(base + PL011_FR) & PL011_FR_TXFF)
		cpu_relax();
	writeb(c, base + PL011_DR);
}

static void putchar_16550(char c)
{
	while (!(readb(base + UART16550_LSR) & UART16550_LSR_THRE))
		cpu_relax();
	writeb(c, base + UART16550_THR);
}

static int this_cpu(void)
{
	return smp_processor_id() + 1;
}

static void console_unlock(void)
{
	if (owner == this_cpu())
		return;
	holder = 0;
	spin_unlock(&lock);
}

void console_give_up(void)
{
	if (holder == this_cpu())
		console_unlock();
}

static bool another_owns(void)
{
	int current = __atomic_load_n(&owner, __ATOMIC_RELAXED);

	return current && current != this_cpu();
}

/* A CPU that is not the owner stops here: before the lock, which the owner waits for, or behind. */
static void console_lock(void)
{
	if (owner == this_cpu())
		return;
	if (!another_owns()) {
		spin_lock(&lock);
		holder = this_cpu();
	}
	if (another_owns()) {
		console_give_up();
		halt();
	}
}

static void put(const char *s)
{
	for (; *s; s++) {
		if (type == CONSOLE_PL011)
			putchar_pl011(*s);
		else
			putchar_16550(*s);
		at_line_start = *s == '\n';
	}
}

void puts(const char *s)
{
	if (type == CONSOLE_NONE)
		return;
	if (in_guest()) {
		guest_call(GUEST_CALL_PUTS, (u64)s, false, 0);
		return;
	}
	console_lock();
	put(s);
	console_unlock();
}

void puts_line(const char *s)
{
	if (type == CONSOLE_NONE)
		return;
	if (in_guest()) {
		guest_call(GUEST_CALL_PUTS, (u64)s, true, 0);
		return;
	}
	console_lock();
	if (!at_line_start)
		put("\n");
	put(s);
	console_unlock();
}

static int getchar_pl011(void)
{
	return readl(base + PL011_FR) & PL011_FR_RXFE ? -1 : readb(base + PL011_DR);
}

static int getchar_16550(void)
{
	return readb(base + UART16550_LSR) & UART16550_LSR_DR ? readb(base + UART16550_RBR) : -1;
}

int __getchar(void)
{
	int c;

	if (type == CONSOLE_NONE)
		return -1;
	console_lock();
	c = type == CONSOLE_PL011 ? getchar_pl011() : getchar_16550();
	console_unlock();
	return c;
}

int getchar(void)
{
	int c = -1;

	wait_for((c = __getchar()) >= 0, GETCHAR_MS);
	return c;
}

/* With the MMU off exclusives may not work; that is one CPU's business. */
static bool try_lock(void)
{
	return !mmu_enabled() || !__atomic_exchange_n(&lock.v, SPINLOCK_TAKEN, __ATOMIC_ACQUIRE);
}

void console_claim(void)
{
	if (owner == this_cpu())
		return;
	__atomic_store_n(&owner, this_cpu(), __ATOMIC_RELAXED);
	/* Not forever: the holder may hang, and this CPU's output is the more important one. */
	if (holder != this_cpu())
		wait_for(try_lock(), CLAIM_MS);
}
