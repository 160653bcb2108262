/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Emulated devices: loads and stores of a guest, decoded and answered by the host; guest-mmio/ has
 * what is no access, two CPUs, and the UART.
 */
#include <libcflat.h>
#include <errno.h>
#include <string.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest-internal.h>
#include <asm/io.h>
#include "guest-mmio/mmio.h"

struct mmio_testdev testdev;

struct guest *create(void *func)
{
	struct guest *guest = guest_create_4k(VMID, func);

	assert(!mmio_add_testdev(guest, &testdev, DEVICE_IPA));
	return guest;
}

/*
 * Every load: guest-mmio.S
 */

/* Each bit from which a value may be extended differs from its neighbours. */
#define DEVICE_VALUE 0x8182838485868788UL
#define OFFSET 0x18

/* clang-format off */
#define LOADS(X)                           \
	X(ldrb, 1, 0x88),                  \
	X(ldrh, 2, 0x8788),                \
	X(ldr_w, 4, 0x85868788),           \
	X(ldr_x, 8, DEVICE_VALUE),         \
	X(ldrsb_w, 1, 0xffffff88),         \
	X(ldrsb_x, 1, 0xffffffffffffff88), \
	X(ldrsh_w, 2, 0xffff8788),         \
	X(ldrsh_x, 2, 0xffffffffffff8788), \
	X(ldrsw_x, 4, 0xffffffff85868788), \
	X(ldr_xzr, 8, 0xffffffffffffffff)
#define STORES(X)                  \
	X(strb, 1, 0x88),          \
	X(strh, 2, 0x8788),        \
	X(str_w, 4, 0x85868788),   \
	X(str_x, 8, DEVICE_VALUE), \
	X(str_wzr, 4, 0)
/* clang-format on */
#define DECLARE_GUESTS(list) void list(GUEST)
#define GUEST(name, size, value) guest_##name(void)
DECLARE_GUESTS(LOADS);
DECLARE_GUESTS(STORES);
void guest_ldp(void);
void guest_stp(void);
void guest_pre_index(void);
void guest_post_index(void);
void guest_register_30(void);

struct instruction {
	const char *name;
	void (*guest_func)(void);
	unsigned int size;
	u64 value;
};
#define ENTRY(name, size, value) { #name, guest_##name, size, value }

static void test_loads(void)
{
	static const struct instruction loads[] = { LOADS(ENTRY) };

	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		struct guest *guest = create(loads[i].guest_func);
		u64 device_value = DEVICE_VALUE;

		report_prefix_push(loads[i].name);
		memcpy(&testdev.bytes[OFFSET], &device_value, 8);
		guest->x[0] = DEVICE_IPA + OFFSET;
		guest_check_run(guest, EXPECT_RETURN(loads[i].value), "value loaded");
		report(testdev.reads == 1 && testdev.last_size == loads[i].size &&
			       testdev.last_offset == OFFSET,
		       "reads of the device: expected 1 of %u bytes at %#x, found %u of %u at %#lx",
		       loads[i].size, OFFSET, testdev.reads, testdev.last_size,
		       testdev.last_offset);
		guest_destroy(guest);
		report_prefix_pop();
	}
}

static void test_stores(void)
{
	static const struct instruction stores[] = { STORES(ENTRY) };

	for (size_t i = 0; i < ARRAY_SIZE(stores); i++) {
		struct guest *guest = create(stores[i].guest_func);

		report_prefix_push(stores[i].name);
		guest->x[0] = DEVICE_IPA + OFFSET;
		guest->x[1] = DEVICE_VALUE;
		report(guest_run(guest) == GUEST_EXIT_RETURNED && testdev.writes == 1 &&
			       testdev.last_value == stores[i].value,
		       "writes of the device: expected 1 of %#lx, found %u of %#lx",
		       stores[i].value, testdev.writes, testdev.last_value);
		report(testdev.last_size == stores[i].size && testdev.last_offset == OFFSET,
		       "write of the device: expected %u bytes at %#x, found %u at %#lx",
		       stores[i].size, OFFSET, testdev.last_size, testdev.last_offset);
		guest_destroy(guest);
		report_prefix_pop();
	}
}

/*
 * Big-endian guests: a device's bytes are those of memory after the same instruction, and a load
 * has the same result.
 */

static u8 memory[8]; /* the guest's too */

static struct guest *create_big_endian(void (*guest_func)(void), bool el0)
{
	struct guest *guest = guest_require(el0 ? guest_create_el0(VMID, guest_func, S2_PAGE_4K)
						: guest_create(VMID, guest_func, S2_PAGE_4K));
	int err;

	err = mmio_add_testdev(guest, &testdev, DEVICE_IPA);
	assert(!err);
	/* EE does not count at EL0, nor E0E at EL1: the other one is left as it was. */
	guest->sctlr_el1 |= el0 ? SCTLR_EL1_E0E : SCTLR_ELx_EE;
	return guest;
}

static u64 run_big_endian(const struct instruction *instruction, bool el0, void *address)
{
	struct guest *guest = create_big_endian(instruction->guest_func, el0);
	u64 value = 0xf1f2f3f4f5f6f7f8, result;

	memcpy(memory, &value, 8);
	memcpy(testdev.bytes, &value, 8);
	guest->x[0] = (u64)address;
	guest->x[1] = DEVICE_VALUE;
	if (guest_run(guest) == GUEST_EXIT_RETURNED)
		result = guest->return_value;
	else
		result = 0xdead;
	guest_destroy(guest);
	return result;
}

static void check_big_endian(const struct instruction *instruction, bool store, bool el0)
{
	u64 expected, found, in_memory, in_device;

	expected = run_big_endian(instruction, el0, memory);
	memcpy(&in_memory, memory, 8);
	found = run_big_endian(instruction, el0, (void *)DEVICE_IPA);
	memcpy(&in_device, testdev.bytes, 8);
	report((store || found == expected) && in_device == in_memory &&
		       testdev.reads + testdev.writes == 1,
	       "%s at EL%d, big-endian: expected result %#lx and bytes %#lx as from memory, one "
	       "access; found %#lx, %#lx, %u",
	       instruction->name, !el0, expected, in_memory, found, in_device,
	       testdev.reads + testdev.writes);
}

static void test_big_endian(void)
{
	static const struct instruction loads[] = { LOADS(ENTRY) }, stores[] = { STORES(ENTRY) };

	for (int el0 = 0; el0 < 2; el0++) {
		for (size_t i = 0; i < ARRAY_SIZE(loads); i++)
			check_big_endian(&loads[i], false, el0);
		for (size_t i = 0; i < ARRAY_SIZE(stores); i++)
			check_big_endian(&stores[i], true, el0);
	}
}

/* The guest's SCTLR_EL1 is in the CPU, or in memory after guest_registers_to_memory(). */
static enum guest_handler_result answer_after_switch(struct guest *guest)
{
	struct mmio_access access;

	guest_registers_to_memory(guest);
	if (mmio_decode(guest, &access) != MMIO_DECODED)
		return GUEST_ACTION_EXIT;
	mmio_load_value(guest, &access, 0x11223344);
	guest_skip_instruction(guest);
	return GUEST_ACTION_RESUME;
}

static void test_big_endian_in_memory(void)
{
	for (int big = 0; big < 2; big++) {
		struct guest *guest = guest_create_4k(VMID, guest_ldr_w);

		if (big)
			guest->sctlr_el1 |= SCTLR_ELx_EE;
		guest_install_handler(guest, ELx_LOW_SYNC_64, answer_after_switch);
		guest->x[0] = DEVICE_IPA;
		guest_check_run(guest, EXPECT_RETURN(big ? 0x44332211 : 0x11223344),
				"SCTLR_EL1 in memory, EE %d, load of 0x11223344", big);
		guest_destroy(guest);
	}
}

/* CPSR.E, whatever the mode: User and Supervisor (DDI 0487, G8.2.35) */
static void test_big_endian_32(void)
{
	static const u64 modes[] = { 0x10, 0x13 };
	struct guest *guest = create(guest_ldr_w);
	struct mmio_access access;

	guest->esr_el2 = (u64)ESR_ELx_EC_DABT_LOW << ESR_ELx_EC_SHIFT | ESR_ELx_ISV |
			 ESR_ELx_FSC_FAULT;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		for (u64 big = 0; big < 2; big++) {
			guest->spsr_el2 = modes[i] | big << 9;
			assert(mmio_decode(guest, &access) == MMIO_DECODED);
			report(access.big_endian == big,
			       "access of AArch32, mode %#lx, E %lu: expected big-endian %lu, found %d",
			       modes[i], big, big, access.big_endian);
		}
	guest_destroy(guest);
}

static void test_register_30(void)
{
	struct guest *guest = create(guest_register_30);

	guest->x[0] = DEVICE_IPA;
	guest->x[1] = 0x1234;
	testdev.bytes[8] = 0x56;
	guest_check_run(guest, EXPECT_RETURN(0x56), "load of x30");
	report(testdev.last_value == 0x1234, "store of x30: expected 0x1234, found %#lx",
	       testdev.last_value);
	guest_destroy(guest);
}

/*
 * Accesses that the syndrome does not describe
 */

static void test_no_syndrome(void)
{
	static const struct instruction instructions[] = {
		{ "ldp", guest_ldp, 0, 0 },
		{ "stp", guest_stp, 0, 1 },
		{ "pre-index", guest_pre_index, 8, 1 },
		{ "post-index", guest_post_index, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(instructions); i++) {
		struct guest *guest = create(instructions[i].guest_func);
		struct mmio_access access;
		enum mmio_decoded result;

		report_prefix_push(instructions[i].name);
		guest->x[0] = DEVICE_IPA;
		guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_NO_SYNDROME), "exit");
		report(!testdev.reads && !testdev.writes,
		       "accesses of the device: expected 0 reads, 0 writes, found %u, %u",
		       testdev.reads, testdev.writes);
		result = mmio_decode(guest, &access);
		report(result == MMIO_NO_SYNDROME &&
			       access.ipa == DEVICE_IPA + instructions[i].size &&
			       access.write == instructions[i].value,
		       "mmio_decode(): expected %d, a %s at %#lx, found %d, a %s at %#lx",
		       MMIO_NO_SYNDROME, instructions[i].value ? "write" : "read",
		       DEVICE_IPA + instructions[i].size, result, access.write ? "write" : "read",
		       access.ipa);
		guest_destroy(guest);
		report_prefix_pop();
	}
}

/*
 * Addresses of devices, and guests that share them
 */

static u64 guest_read_twice(u64 first, u64 second)
{
	return readl((void *)first) | (u64)readl((void *)second) << 32;
}

static enum guest_handler_result answer_7(struct guest *guest)
{
	struct mmio_access access;

	if (mmio_decode(guest, &access) != MMIO_DECODED)
		return GUEST_ACTION_EXIT;
	mmio_load_value(guest, &access, 7);
	guest_skip_instruction(guest);
	return GUEST_ACTION_RESUME;
}

static void check_places(struct guest *guest)
{
	static struct mmio_testdev other;
	static const struct {
		u64 ipa;
		int expected;
	} places[] = {
		{ DEVICE_IPA + 0xfff, -EINVAL },
		{ DEVICE_IPA - 0xfff, -EINVAL },
		{ UINT64_MAX - 0xffe, -EINVAL }, /* wraps */
		{ DEVICE_IPA - 0x1000, 0 }, /* ends where the other begins */
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int err = mmio_add_testdev(guest, &other, places[i].ipa);

		report(err == places[i].expected,
		       "device of 0x1000 bytes at %#lx, with one at %#lx: expected %d, found %d",
		       places[i].ipa, DEVICE_IPA, places[i].expected, err);
	}
	mmio_remove_device(guest, &other.device);
}

/* Beyond the device an access goes to the vector's handler, as without a device. */
static void test_ranges(void)
{
	struct guest *guest = create(guest_read_twice);

	check_places(guest);
	testdev.bytes[0xffc] = 3;
	guest_install_handler(guest, ELx_LOW_SYNC_64, answer_7);
	guest->x[0] = DEVICE_IPA + 0xffc;
	guest->x[1] = DEVICE_IPA + 0x1000;
	guest_check_run(guest, EXPECT_RETURN(7UL << 32 | 3),
			"last word of the device, 3, and the next one by the handler, 7");
	guest_destroy(guest);
}

/* A word that begins in a device of two bytes goes to the handler. */
static void test_straddle(void)
{
	struct guest *guest = create(guest_read_twice);
	static struct mmio_testdev small;

	assert(!mmio_add_testdev(guest, &small, DEVICE_IPA + 0x1000));
	small.device.size = 2;
	testdev.bytes[0xffc] = 3;
	guest_install_handler(guest, ELx_LOW_SYNC_64, answer_7);
	guest->x[0] = DEVICE_IPA + 0xffc;
	guest->x[1] = DEVICE_IPA + 0x1000;
	guest_check_run(
		guest, EXPECT_RETURN(7UL << 32 | 3),
		"word of a device, 3, and one of which half is a device's, by the handler, 7");
	report(!small.reads, "reads of the device that has half of a word: expected 0, found %u",
	       small.reads);
	guest_destroy(guest);
}

/* Run again from the start. */
static u64 read_twice(struct guest *guest, u64 return_address, u64 first, u64 second)
{
	guest->elr_el2 = (u64)guest_read_twice;
	guest->x[30] = return_address;
	guest->x[0] = first;
	guest->x[1] = second;
	guest_run(guest);
	return guest->return_value;
}

static void check_word(u64 found, u64 expected, const char *what)
{
	report(found == expected, "read by the %s: expected %#lx, found %#lx", what, expected,
	       found);
}

/* A device of two vCPUs, and one that only the first has. */
static void test_shared(void)
{
	struct guest *a = create(guest_read_twice);
	struct guest *b = guest_require(guest_create_vcpu(a, (void (*)(void))guest_read_twice));
	u64 both = DEVICE_IPA + 0x1000, back = a->x[30];
	static struct mmio_testdev common;
	int first, second;

	assert(!mmio_add_testdev(a, &common, both));
	first = mmio_add_device(b, &common.device);
	second = mmio_add_device(b, &common.device);
	report(!first && second == -EINVAL,
	       "adding a vCPU's device to another, twice: expected 0 and %d, found %d and %d",
	       -EINVAL, first, second);
	testdev.bytes[0] = 1;
	common.bytes[0] = 2;
	check_word(read_twice(a, back, DEVICE_IPA, both), 2UL << 32 | 1,
		   "first vCPU, its own and the shared device");
	check_word(read_twice(b, back, both, both), 2UL << 32 | 2,
		   "second vCPU, the shared device twice");
	mmio_remove_device(a, &testdev.device);
	guest_install_handler(a, ELx_LOW_SYNC_64, answer_7);
	check_word(read_twice(a, back, DEVICE_IPA, both), 2UL << 32 | 7,
		   "first vCPU, its own device removed, and the shared one");
	guest_destroy(a);
	guest_destroy(b);
}

/* GUEST_MAX_DEVICES, all of which answer, and not one more. */
static void test_limit(void)
{
	static struct mmio_testdev devices[GUEST_MAX_DEVICES + 1];
	struct guest *guest = guest_create_4k(VMID, guest_read_twice);
	struct mmio_testdev *last = &devices[GUEST_MAX_DEVICES];
	u64 back = guest->x[30];
	int wrong = 0, err;

	for (int i = 0; i < GUEST_MAX_DEVICES; i++)
		wrong += mmio_add_testdev(guest, &devices[i], DEVICE_IPA + i * 0x1000) != 0;
	report(!wrong, "adding %d devices: expected 0 errors, found %d", GUEST_MAX_DEVICES, wrong);
	err = mmio_add_testdev(guest, last, DEVICE_IPA + GUEST_MAX_DEVICES * 0x1000);
	report(err == -ENOMEM && guest->nr_devices == GUEST_MAX_DEVICES,
	       "adding one more: expected %d and %d devices, found %d and %u", -ENOMEM,
	       GUEST_MAX_DEVICES, err, guest->nr_devices);
	for (int i = 0; i < GUEST_MAX_DEVICES; i++) {
		devices[i].bytes[0] = 0x40 + i;
		wrong += read_twice(guest, back, DEVICE_IPA + i * 0x1000,
				    DEVICE_IPA + i * 0x1000) != (0x40UL + i) * ((1UL << 32) + 1);
	}
	report(!wrong, "devices, of %d, that do not answer: expected 0, found %d",
	       GUEST_MAX_DEVICES, wrong);
	mmio_remove_device(guest, &devices[3].device);
	err = mmio_add_testdev(guest, last, DEVICE_IPA + GUEST_MAX_DEVICES * 0x1000);
	report(!err, "adding one more after one was removed: expected 0, found %d", err);
	guest_destroy(guest);
}

/* Each guest has devices of its own, at the same address. */
static void test_per_guest(void)
{
	struct guest *a = create(guest_read_twice);
	struct guest *b = guest_create_4k(VMID + 1, guest_read_twice);
	static struct mmio_testdev other;

	assert(!mmio_add_testdev(b, &other, DEVICE_IPA));
	testdev.bytes[0] = 1;
	other.bytes[0] = 2;
	a->x[0] = a->x[1] = b->x[0] = b->x[1] = DEVICE_IPA;
	guest_check_run(a, EXPECT_RETURN(1UL << 32 | 1), "first guest, its device at an address");
	guest_check_run(b, EXPECT_RETURN(2UL << 32 | 2),
			"second guest, its device at the same one");
	guest_destroy(a);
	guest_destroy(b);
}

static const struct subtest subtests[] = {
	{ "loads", test_loads },
	{ "stores", test_stores },
	{ "big-endian", test_big_endian },
	{ "big-endian-in-memory", test_big_endian_in_memory },
	{ "big-endian-32", test_big_endian_32 },
	{ "register", test_register_30 },
	{ "no-syndrome", test_no_syndrome },
	{ "ranges", test_ranges },
	{ "straddle", test_straddle },
	{ "per-guest", test_per_guest },
	{ "shared", test_shared },
	{ "limit", test_limit },
	{ "no-access", test_no_access },
	{ "table-walk", test_table_walk },
	{ "two-cpus", test_two_cpus },
	{ "uart", test_uart },
	{ "uart-line", test_uart_line },
	{ "uart-registers", test_uart_registers },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
