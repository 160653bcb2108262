/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: VTCR_EL2 as geometry. A row is a configuration of kut_model/areas/s2config.py, legal or
 * not, and an address; the tables are those of a CPU that accepts it.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/s2config.h>
#endif
#include <libcflat.h>
#include <subtest.h>
#include <asm/conform-stage2.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/stage2-internal.h>
#include <asm/stage2-path.h>
#include <asm/translation-outcome.h>

/* On one CPU: the size of addresses that are probed, and what is expected of each probe */
struct s2config_expected {
	u8 ipa_bits;
	struct translation_set sets[4];
};

#include CONFORM_HEADER

/* Probes in the order of the model */
enum { PROBE_LOW, PROBE_HIGH, PROBE_ABOVE, PROBE_FETCH, PROBES };
static_assert(PROBES == ARRAY_SIZE(((struct s2config_expected *)0)->sets), "a set for each");
static_assert(CONFORM_ROWS == PROBES * ARRAY_SIZE(s2config_configs), "a row for each probe");

#define PS_52 (6UL << VTCR_EL2_PS_SHIFT)
#define PAGE_LEAF (S2_MEMATTR(0xf) | S2_AP_READ | S2_AP_WRITE | S2_AF | PT_VALID | PT_TABLE)

/* The index of this CPU in a configuration's list. */
static unsigned int cpu_class(void)
{
	const struct s2_features *features = s2_features();
	unsigned int parange = 0;

	while (s2_parange_bits(parange) != features->pa_bits)
		parange++;
	return 2 * parange + features->ttst;
}

static u64 probe_address(const struct s2_shape *shape, unsigned int ipa_bits, unsigned int probe)
{
	switch (probe) {
	case PROBE_HIGH:
		return (1UL << ipa_bits) - (1UL << shape->page_shift);
	case PROBE_ABOVE:
		return 1UL << ipa_bits;
	default:
		return 0;
	}
}

static u32 outcome_of(const struct s2_shape *shape, u64 address, unsigned int probe)
{
	u64 page = ~((1UL << shape->page_shift) - 1);
	struct translation_pages pages = {
		.count = 2,
		.ipa = { s2_path_code(shape) & ~0xfffUL, UINT64_MAX }, /* of PROBE_FETCH */
		.pa = { virt_to_phys(s2_path_data()) & page, probe_code() & page },
	};
	struct probe_exit exit;

	if (probe != PROBE_FETCH)
		return translation_outcome_at(probe_at(PROBE_S12E1R, address), false, &pages);
	exit = probe_access(PROBE_NOTHING, 1, false, 0);
	return translation_outcome(&exit, PROBE_NOTHING, probe_pc(PROBE_NOTHING), &pages);
}

static enum conform_verdict check(const struct s2_shape *shape,
				  const struct s2config_expected *expected, unsigned int probe)
{
	u64 last = probe_address(shape, expected->ipa_bits, PROBE_HIGH);
	struct probe_regime regime = {
		.hcr = HCR_EL2_VM,
		.vtcr = s2_path_vtcr(shape) | PS_52,
		.vttbr = s2_path_vttbr(),
	};
	struct translation_set set = expected->sets[probe];
	u32 found;

	s2_path_build(shape, last, PT_LEVEL_LAST, PAGE_LEAF, S2_PATH_DATA);
	probe_set(&regime);
	probe_set_code(s2_path_code(shape));
	probe_flush();
	found = outcome_of(shape, probe_address(shape, expected->ipa_bits, probe), probe);
	return translation_check(s2config_outcomes, set, found);
}

static enum conform_verdict run(u32 row)
{
	const struct s2config_config *config = &s2config_configs[row / PROBES];
	const struct s2_lack *lack = s2_path_lack(&config->shape);
	int expected = config->expected[cpu_class()];

	if (lack)
		return conform_skip(lack->feature, lack->field);
	if (expected < 0)
		return conform_skip("FEAT_LPA", "ID_AA64MMFR0_EL1.PARange");
	return check(&config->shape, &s2config_expected[expected], row % PROBES);
}

static void id(u32 row, char *buffer, size_t size)
{
	const struct s2_shape *shape = &s2config_configs[row / PROBES].shape;

	snprintf(buffer, size, "s2config.%uk.ds%u.t0sz%u.sl%u.%s", 1U << (shape->page_shift - 10),
		 shape->ds, shape->t0sz, shape->sl2 << 2 | shape->sl0,
		 s2config_probes[row % PROBES]);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);

	if (reason)
		return skip_all(reason);
	assert_msg(s2_path_init(), "no memory");
	return conform_probe_main(&area, 0, argc, argv);
}
