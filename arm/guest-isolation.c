/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of the image that a guest may access; each access to the rest is an abort. */
#include <libcflat.h>
#include <alloc_page.h>
#include <string.h>
#include <subtest.h>
#include <asm/guest-call.h>
#include <asm/guest-check.h>
#include <asm/guest-hypercall.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/setup.h>

#define VMID 12

extern char boot_stack[], emergency_stack[];

static u64 constant_of_the_image = 42; /* writable */

static u64 guest_read(const volatile u64 *word)
{
	return *word;
}

static void guest_write(volatile u64 *word)
{
	*word = 0;
}

static struct guest *create(void (*guest_func)(void), const void *address)
{
	struct guest *guest = guest_create_4k(VMID, guest_func);

	guest->x[0] = (u64)address;
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	return guest;
}

/* One access to @address, which must end in an abort of @type there. For the caller at @place. */
static void __check_denied(const char *place, const char *what, void (*access)(void),
			   const void *address, u64 type)
{
	struct guest *guest = create(access, address);

	__guest_check_run(place, guest,
			  &EXPECT_ABORT(ESR_ELx_EC_DABT_LOW, type, virt_to_phys(address)), "%s",
			  what);
	guest_destroy(guest);
}
#define check_denied(...) __check_denied(SOURCE_PLACE, __VA_ARGS__)

static void __check_allowed(const char *place, const char *what, void (*access)(void),
			    const void *address)
{
	struct guest *guest = create(access, address);

	__guest_check_run(place, guest, &EXPECT_REASON(GUEST_EXIT_RETURNED), "%s", what);
	guest_destroy(guest);
}
#define check_allowed(...) __check_allowed(SOURCE_PLACE, __VA_ARGS__)

#define READ ((void (*)(void))guest_read)
#define WRITE ((void (*)(void))guest_write)

static void test_image(void)
{
	static const u64 constant = 1;

	check_allowed("read of code", READ, _stext);
	check_denied("write to code", WRITE, _stext, ESR_ELx_FSC_PERM);
	check_allowed("read of a constant", READ, &constant);
	check_denied("write to a constant", WRITE, &constant, ESR_ELx_FSC_PERM);
	check_allowed("write to data", WRITE, &constant_of_the_image);
	report(constant_of_the_image == 0,
	       "what it wrote, as the host reads it: expected 0, found %lu", constant_of_the_image);
}

/* Code in data and on the stack: stage 2 permits it. */
#define INSTRUCTION_MOV_W0_7 0x528000e0
#define INSTRUCTION_RET 0xd65f03c0
static u32 code_in_data[] = { INSTRUCTION_MOV_W0_7, INSTRUCTION_RET };

static void test_execution(void)
{
	struct guest *guest = create((void (*)(void))code_in_data, NULL);

	sync_icache(code_in_data, sizeof(code_in_data));
	guest_check_run(guest, EXPECT_RETURN(7), "code in data of the image");
	memcpy(guest->stack, code_in_data, sizeof(code_in_data));
	sync_icache(guest->stack, sizeof(code_in_data));
	guest->elr_el2 = (u64)guest->stack;
	guest->x[0] = 0;
	guest_check_run(guest, EXPECT_RETURN(7), "code on the guest's stack");
	guest_destroy(guest);
}

/* A call of the host is known by its address where the host cannot read through the guest's. */
static void test_execute_only(void)
{
	struct guest *guest = create((void (*)(void))guest_call, (const void *)GUEST_CALL_PROBE);
	u64 page = ALIGN_DOWN(virt_to_phys(guest_call), SZ_4K);

	assert(!s2mmu_protect(guest->s2mmu, page, SZ_4K, 0));
	guest_check_run(guest, EXPECT_RETURN(1),
			"guest_call() in a page that may be executed, and not read");
	guest_destroy(guest);
}

static void ignore(struct guest_el1_regs *regs, unsigned int esr)
{
}

/* Its own vectors, which the host writes for it. */
static void test_vectors(void)
{
	struct guest *guest = create(WRITE, NULL);

	assert(guest_install_el1_handler(guest, ELxH_SYNC, ignore));
	guest->x[0] = guest->vbar_el1;
	guest_check_run(guest, EXPECT_ABORT(ESR_ELx_EC_DABT_LOW, ESR_ELx_FSC_PERM, guest->vbar_el1),
			"write to the guest's own vectors");
	guest_destroy(guest);
}

static void test_host_memory(void)
{
	struct guest *other = create(READ, NULL);
	u64 local = 0;

	check_denied("read of the host's stack", READ, &local, ESR_ELx_FSC_FAULT);
	check_denied("read of the stack's first byte", READ, boot_stack, ESR_ELx_FSC_FAULT);
	check_denied("read of the emergency stack's last word", READ,
		     emergency_stack + 2 * THREAD_SIZE - 8, ESR_ELx_FSC_FAULT);
	check_denied("read of another guest's stack", READ, other->stack, ESR_ELx_FSC_FAULT);
	check_denied("read of another guest's tables", READ, other->s2mmu->root, ESR_ELx_FSC_FAULT);
	guest_destroy(other);
}

/* Of each of two vCPUs, which have one stage 2: the stack of one may be close to that of the other. */
static void test_stack(void)
{
	struct guest *first = create(READ, NULL);
	struct guest *vcpus[] = { first, guest_require(guest_create_vcpu(first, READ)) };

	for (int i = 0; i < 2; i++) {
		const char *stack = vcpus[i]->stack;
		u64 mapped = 0;

		for (u64 at = SZ_4K; at <= GUEST_STACK_GUARD; at += SZ_4K)
			mapped += s2mmu_translate(first->s2mmu, virt_to_phys(stack - at)) !=
				  INVALID_PHYS_ADDR;
		report(!mapped,
		       "pages below the stack of vCPU %d that are mapped: expected 0, found %lu", i,
		       mapped);
		vcpus[i]->x[0] = (u64)stack - 8;
		guest_install_handler(vcpus[i], ELx_LOW_SYNC_64, guest_exit_always);
		guest_check_run(vcpus[i],
				EXPECT_ABORT(ESR_ELx_EC_DABT_LOW, ESR_ELx_FSC_FAULT,
					     virt_to_phys(stack - 8)),
				"read below the stack of vCPU %d", i);
	}
	for (int i = 0; i < 2; i++)
		guest_destroy(vcpus[i]);
}

/* Unmapped by the host between two runs, not in a handler: HCR_EL2 and VTTBR_EL2 are the host's. */
static void test_unmap_between_runs(void)
{
	const u64 *word = &constant_of_the_image;
	u64 ipa = virt_to_phys(word), page = ALIGN_DOWN(ipa, SZ_4K);
	struct guest *guest = create(READ, word);

	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_RETURNED), "read of a mapped page");
	assert(!s2mmu_unmap(guest->s2mmu, page, SZ_4K));
	guest->elr_el2 = (u64)guest_read;
	guest->x[0] = (u64)word;
	guest_check_run(guest, EXPECT_ABORT(ESR_ELx_EC_DABT_LOW, ESR_ELx_FSC_FAULT, ipa),
			"read of the page once it is unmapped");
	guest_destroy(guest);
}

/* All of the framework's own immediates, in code at address 0 */
#define INSTRUCTION_HVC(immediate) (0xd4000002U | (immediate) << 5)

static void test_immediates(void)
{
	const u32 immediates[] = { GUEST_HVC_EL1_EXCEPTION + ELxH_SYNC, GUEST_HVC_RETURNED,
				   GUEST_HVC_CALL, GUEST_HVC_CALL_EL0 };
	struct guest *guest = create(NULL, NULL);
	u32 *code = alloc_page();

	assert(!s2mmu_map(guest->s2mmu, 0, virt_to_phys(code), SZ_4K, S2_MAP_RO));
	for (size_t i = 0; i < ARRAY_SIZE(immediates); i++) {
		code[i] = INSTRUCTION_HVC(immediates[i]);
		sync_icache(code, SZ_4K);
		guest_check_run(guest, EXPECT_SYNDROME(ESR_ELx_EC_HVC64, immediates[i], 0xffff),
				"HVC of the framework's immediate %#x in code at %#lx",
				immediates[i], 4 * i);
	}
	guest_destroy(guest);
	free_page(code);
}

static const struct subtest subtests[] = {
	{ "image", test_image },
	{ "execution", test_execution },
	{ "execute-only", test_execute_only },
	{ "vectors", test_vectors },
	{ "host-memory", test_host_memory },
	{ "stack", test_stack },
	{ "unmap-between-runs", test_unmap_between_runs },
	{ "immediates", test_immediates },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
