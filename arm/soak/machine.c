/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of machines: stage 2s of any shape, with guests of any kind. */
#include <libcflat.h>
#include <asm/guest-fp.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/stage2-vmid.h>
#include <asm/vgic.h>
#include "soak.h"

/* The image is mapped at its own addresses, and so may be devices: windows are above them. */
#define WINDOWS_FROM (2 * SZ_1G)
#define IPA_BITS_LEAST 33
#define IPA_BITS_MOST 52
#define LEVEL_OF_BLOCKS 2

struct machine machines[MAX_MACHINES];

static enum s2_granule draw_granule(struct random *random)
{
	enum s2_granule granule;

	do
		granule = random_below(random, S2_PAGE_64K + 1);
	while (!s2_granule_supported(granule));
	return granule;
}

static bool vmid_in_use(int vmid)
{
	for (int i = 0; i < MAX_MACHINES; i++)
		if (machines[i].alive && (int)s2_vmid(machines[i].mmu) == vmid)
			return true;
	return false;
}

/* Of the lower half: the upper is S2_VMID_AUTO's. */
static int draw_vmid(struct random *random)
{
	int vmid;

	do
		vmid = random_below(random, 1U << (s2_features()->vmid_bits - 1));
	while (vmid_in_use(vmid));
	return vmid;
}

/* Start levels that only FEAT_LPA2 has, and not every emulator of it. */
bool lpa2_levels;

static struct s2_mmu *create_mmu(const struct s2_config *config)
{
	int first = config->granule == S2_PAGE_4K ? 0 : 1;
	struct s2_mmu *mmu = s2mmu_create(config);

	if (mmu && mmu->geometry.start_level < first && !lpa2_levels) {
		s2mmu_destroy(mmu);
		return NULL;
	}
	return mmu;
}

/* Shapes that the CPU lacks, or that do not exist, are drawn again. */
static struct s2_mmu *draw_mmu(struct random *random, enum s2_granule granule)
{
	const struct s2_features *features = s2_features();
	struct s2_mmu *mmu;

	do {
		u64 kinds = random_next(random);
		struct s2_config config = {
			.vmid = kinds & 1 ? S2_VMID_AUTO : draw_vmid(random),
			.granule = granule,
			.allow_block = kinds & 6,
			.ipa_bits = IPA_BITS_LEAST +
				    random_below(random, IPA_BITS_MOST - IPA_BITS_LEAST + 1),
			.start = kinds & 8 ? 0 : S2_START_LEVEL((int)random_below(random, 5) - 1),
			.lpa2 = !(kinds & 0x30),
			.hw_access = features->hw_access && (kinds & 0x40),
		};

		config.hw_dirty = features->hw_dirty && config.hw_access && (kinds & 0x80);
		mmu = create_mmu(&config);
	} while (!mmu);
	return mmu;
}

static void place_window(struct machine *machine, struct random *random)
{
	unsigned int shift = machine_page_shift(machine);
	u64 block = pt_level_size(shift, LEVEL_OF_BLOCKS);
	u64 limit = 1UL << machine->mmu->geometry.ipa_bits;
	u64 places = (limit - WINDOWS_FROM) / block - 1;

	machine->half = block >> shift;
	machine->block = ALIGN_DOWN(virt_to_phys(machine->arena), block);
	machine->window = WINDOWS_FROM + random_below(random, places) * block;
	model_init(&machine->model, 2 * machine->half);
	machine->model.hw_access = machine->mmu->vtcr & 1UL << 21;
	machine->model.hw_dirty = machine->mmu->vtcr & 1UL << 22;
}

static void set_up_vcpu(struct vcpu *vcpu, struct machine *machine, struct guest *guest,
			struct random *random)
{
	struct script *script = &vcpu->script;
	u64 kinds = random_next(random);

	assert_msg(guest, "no memory for a guest");
	*vcpu = (struct vcpu){
		.guest = guest, .machine = machine, .index = vcpu - machine->vcpus, .over = true
	};
	script->el0 = machine->el0;
	guest->data = vcpu;
	guest->x[0] = (u64)script;
	guest->tpidr_el1 = (u64)script;
	guest_install_handler(guest, ELx_LOW_SYNC_64, on_sync);
	if (system_supports_sve() && !(kinds & 3))
		assert(guest_enable_sve(guest));
	guest_set_fp_lazy(guest, kinds & 4);
	if (machine->el0) {
		guest_route_el0(guest, true);
		return;
	}
	assert(guest_install_el1_handler(guest, ELxH_SYNC, soak_on_sync));
	assert(guest_install_el1_handler(guest, ELxH_IRQ, soak_on_irq));
	if (vgic_unsupported() || (kinds & 8))
		return;
	assert(guest_vgic_enable(guest));
	guest->vgic.vmcr = vgic_vmcr_enabled();
	script->vgic = true;
}

void machine_create(struct machine *machine, struct random *random)
{
	enum s2_granule granule = draw_granule(random);
	struct guest *guest;

	machine->granule = granule;
	machine->el0 = random_one_in(random, 6);
	if (machine->el0)
		guest = guest_create_el0(draw_vmid(random), (void (*)(void))soak_guest, granule);
	else
		guest = guest_create_on(draw_mmu(random, granule), (void (*)(void))soak_guest);
	assert_msg(guest, "no memory for a guest");
	machine->mmu = guest->s2mmu;
	place_window(machine, random);
	set_up_vcpu(&machine->vcpus[0], machine, guest, random);
	machine->alive = machine->changed = true;
}

static struct vcpu *any_vcpu(struct machine *machine, bool there)
{
	for (int i = 0; i < MAX_VCPUS; i++)
		if (!machine->vcpus[i].guest == !there)
			return &machine->vcpus[i];
	return NULL;
}

int machine_vcpus(const struct machine *machine)
{
	int count = 0;

	for (int i = 0; i < MAX_VCPUS; i++)
		count += machine->vcpus[i].guest != NULL;
	return count;
}

bool machine_add_vcpu(struct machine *machine, struct random *random)
{
	struct vcpu *vcpu = any_vcpu(machine, false);
	struct guest *first;

	if (!vcpu || machine->el0)
		return false;
	first = any_vcpu(machine, true)->guest;
	set_up_vcpu(vcpu, machine, guest_create_vcpu(first, (void (*)(void))soak_guest), random);
	return true;
}

/* With the last one goes the machine. */
void machine_remove_vcpu(struct machine *machine, struct vcpu *vcpu)
{
	guest_destroy(vcpu->guest);
	vcpu->guest = NULL;
	machine->alive = machine_vcpus(machine);
}

void machine_destroy(struct machine *machine)
{
	while (machine->alive)
		machine_remove_vcpu(machine, any_vcpu(machine, true));
}
