// SPDX-License-Identifier: GPL-2.0-or-later
struct regs {
	long x[31];
	long pc;
};
