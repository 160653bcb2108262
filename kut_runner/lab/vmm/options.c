/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <string.h>
#include "options.h"
#include "registers.h"
#include "report.h"
#include "text.h"
#include "vm.h"

#define MAX_MEMORY (1ULL << 20) /* MiB */

enum option_id {
	OPT_EL2 = 1,
	OPT_E2H0,
	OPT_SMP,
	OPT_MEMORY,
	OPT_ARGS,
	OPT_INITRD,
	OPT_WITHOUT,
	OPT_SVE,
	OPT_ID,
	OPT_CONTROL,
	OPT_CAPABILITIES,
	OPT_HELP,
};

static const struct option long_options[] = {
	{ "el2", no_argument, NULL, OPT_EL2 },
	{ "e2h0", no_argument, NULL, OPT_E2H0 },
	{ "smp", required_argument, NULL, OPT_SMP },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "args", required_argument, NULL, OPT_ARGS },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "without", required_argument, NULL, OPT_WITHOUT },
	{ "sve", no_argument, NULL, OPT_SVE },
	{ "id", required_argument, NULL, OPT_ID },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "capabilities", no_argument, NULL, OPT_CAPABILITIES },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char usage[] =
	"usage: kut-vmm [OPTION]... IMAGE\n"
	"Boot a raw arm64 image on /dev/kvm; its serial line is stdout.\n"
	"  --el2                 start at EL2 (nested virtualization)\n"
	"  --e2h0                at EL2 without VHE: HCR_EL2.E2H is RES0\n"
	"  --smp N               CPUs, 1 to 64; by default 1\n"
	"  --memory MIB          memory, 16 to 1048576; by default 256\n"
	"  --args TEXT           command line of the image\n"
	"  --initrd FILE         initial RAM disk\n"
	"  --without FEATURE     leave out pmu, its or pauth\n"
	"  --sve                 with SVE\n"
	"  --id REGISTER.LSB=N   set the field of an ID register that begins at bit LSB\n"
	"  --control FILE        stop, and report the registers, when a byte arrives in FILE\n"
	"  --capabilities        print what this KVM offers, and exit\n"
	"Exit status: 0 power-off or reset, 2 usage, 77 KVM lacks something, 124 stopped on request,\n"
	"125 KVM or the image failed.\n";

static uint64_t number(const char *option, const char *text, uint64_t least, uint64_t most)
{
	uint64_t value;

	if (!parse_number(text, most, &value) || value < least)
		fail(EXIT_USAGE, option, "is out of range: ", text);
	return value;
}

static void leave_out(struct options *options, const char *feature)
{
	if (!strcmp(feature, "pmu"))
		options->pmu = false;
	else if (!strcmp(feature, "its"))
		options->its = false;
	else if (!strcmp(feature, "pauth"))
		options->pauth = false;
	else
		fail(EXIT_USAGE, "--without", "takes pmu, its or pauth, and not ", feature);
}

/* @text is REGISTER.LSB=VALUE, which is taken apart. */
static void add_id_field(struct options *options, char *text)
{
	struct id_field *field = &options->id_fields[options->nr_id_fields];
	char *dot = strchr(text, '.'), *equals = dot ? strchr(dot, '=') : NULL;

	if (options->nr_id_fields == MAX_ID_FIELDS)
		fail(EXIT_USAGE, "--id", "is given too often", "");
	if (!equals)
		fail(EXIT_USAGE, "--id", "takes REGISTER.LSB=VALUE, and not ", text);
	*dot = *equals = 0;
	field->name = text;
	field->id = id_register(text);
	if (!field->id)
		fail(EXIT_USAGE, "--id", "knows no register ", text);
	field->lsb = number("--id: the bit", dot + 1, 0, 60);
	field->value = number("--id: the value", equals + 1, 0, 15);
	options->nr_id_fields++;
}

static void print_help(void)
{
	write_all(1, usage, sizeof(usage) - 1);
	exit_now(EXIT_POWER_OFF);
}

static void parse_option(struct options *options, int option)
{
	switch (option) {
	case OPT_EL2:
		options->el2 = true;
		break;
	case OPT_E2H0:
		options->el2 = options->e2h0 = true;
		break;
	case OPT_SMP:
		options->smp = number("--smp", optarg, 1, MAX_CPUS);
		break;
	case OPT_MEMORY:
		options->memory = number("--memory", optarg, 16, MAX_MEMORY);
		break;
	case OPT_ARGS:
		options->args = optarg;
		break;
	case OPT_INITRD:
		options->initrd = optarg;
		break;
	case OPT_WITHOUT:
		leave_out(options, optarg);
		break;
	case OPT_SVE:
		options->sve = true;
		break;
	case OPT_ID:
		add_id_field(options, optarg);
		break;
	case OPT_CONTROL:
		options->control = optarg;
		break;
	case OPT_CAPABILITIES:
		options->capabilities = true;
		break;
	case OPT_HELP:
		print_help();
		break;
	default:
		fail(EXIT_USAGE, "the command line", "has an option that is wrong; see --help", "");
	}
}

void parse_options(struct options *options, int argc, char **argv)
{
	int option;

	*options = (struct options){ .args = "", .smp = 1, .memory = 256 };
	options->pmu = options->its = options->pauth = true;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
		parse_option(options, option);
	if (!options->capabilities && optind != argc - 1)
		fail(EXIT_USAGE, "the command line", "must end with one image; see --help", "");
	options->image = argv[optind];
}
