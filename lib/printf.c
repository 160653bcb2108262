/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formatted output. */
#include <libcflat.h>
#include <string.h>
#include <asm/console.h>

/* The longest line printf() can print; a longer one is cut and marked. */
#define PRINTF_MAX 2048

/* The output: @buf holds @size bytes, @len counts what all of it would take. */
struct sink {
	char *buf;
	int size;
	int len;
};

/* One conversion: the part of `%-08.3lx` between the % and the x. */
struct conversion {
	bool left, zero, alternate;
	char plus; /* '+' or ' ' goes before a positive number, 0 nothing */
	int width;
	int precision; /* -1: none given */
	int length; /* 0 int, 1 long, -1 short, -2 char */
};

static void put(struct sink *sink, char c)
{
	if (sink->len < sink->size - 1)
		sink->buf[sink->len] = c;
	sink->len++;
}

static void put_many(struct sink *sink, char c, int count)
{
	while (count-- > 0)
		put(sink, c);
}

static void put_text(struct sink *sink, const char *s, int n)
{
	while (n-- > 0)
		put(sink, *s++);
}

static void put_padded(struct sink *sink, const struct conversion *cv, const char *s, int n)
{
	if (!cv->left)
		put_many(sink, ' ', cv->width - n);
	put_text(sink, s, n);
	if (cv->left)
		put_many(sink, ' ', cv->width - n);
}

static void put_string(struct sink *sink, const struct conversion *cv, const char *s)
{
	s = s ?: "(null)";
	put_padded(sink, cv, s, strnlen(s, cv->precision < 0 ? SIZE_MAX : (size_t)cv->precision));
}

/* Any character, NUL too. */
static void put_char(struct sink *sink, const struct conversion *cv, char c)
{
	put_padded(sink, cv, &c, 1);
}

static void put_number(struct sink *sink, const struct conversion *cv, u64 value, int base,
		       const char *prefix, const char *digits)
{
	char text[24];
	int prefix_len = strlen(prefix), n = 0, zeros, pad;

	for (; value; value /= base)
		text[n++] = digits[value % base];
	zeros = (cv->precision < 0 ? 1 : cv->precision) - n;
	if (cv->zero && !cv->left && cv->precision < 0)
		zeros = MAX(zeros, cv->width - prefix_len - n);
	zeros = MAX(zeros, 0);
	pad = cv->width - prefix_len - zeros - n;

	if (!cv->left)
		put_many(sink, ' ', pad);
	put_text(sink, prefix, prefix_len);
	put_many(sink, '0', zeros);
	while (n)
		put(sink, text[--n]);
	if (cv->left)
		put_many(sink, ' ', pad);
}

static void put_signed(struct sink *sink, const struct conversion *cv, s64 value)
{
	char sign[2] = { value < 0 ? '-' : cv->plus };

	put_number(sink, cv, value < 0 ? -(u64)value : (u64)value, 10, sign, "0123456789");
}

static void put_hex(struct sink *sink, const struct conversion *cv, u64 value, bool upper)
{
	const char *prefix = upper ? "0X" : "0x";

	put_number(sink, cv, value, 16, cv->alternate && value ? prefix : "",
		   upper ? "0123456789ABCDEF" : "0123456789abcdef");
}

static void put_pointer(struct sink *sink, const struct conversion *cv, u64 value)
{
	put_number(sink, cv, value, 16, value ? "0x" : "", "0123456789abcdef");
}

static s64 signed_arg(int length, va_list *va)
{
	if (length > 0)
		return va_arg(*va, long);
	if (length == -1)
		return (short)va_arg(*va, int);
	if (length == -2)
		return (signed char)va_arg(*va, int);
	return va_arg(*va, int);
}

static u64 unsigned_arg(int length, va_list *va)
{
	if (length > 0)
		return va_arg(*va, unsigned long);
	if (length == -1)
		return (unsigned short)va_arg(*va, int);
	if (length == -2)
		return (unsigned char)va_arg(*va, int);
	return va_arg(*va, unsigned int);
}

static const char *parse_flags(const char *p, struct conversion *cv)
{
	for (;; p++) {
		if (*p == '-')
			cv->left = true;
		else if (*p == '0')
			cv->zero = true;
		else if (*p == '#')
			cv->alternate = true;
		else if (*p == '+' || (*p == ' ' && !cv->plus))
			cv->plus = *p;
		else
			return p;
	}
}

static const char *parse_count(const char *p, int *count, va_list *va)
{
	if (*p == '*') {
		*count = va_arg(*va, int);
		return p + 1;
	}
	for (*count = 0; *p >= '0' && *p <= '9'; p++)
		*count = *count * 10 + *p - '0';
	return p;
}

static const char *parse_length(const char *p, int *length)
{
	for (;; p++) {
		if (*p == 'l' || *p == 'z' || *p == 't' || *p == 'j')
			*length = 1;
		else if (*p == 'h')
			(*length)--;
		else
			return p;
	}
}

/* @p points behind the `%`; returns the rest after the conversion. */
static const char *convert(struct sink *sink, const char *p, va_list *va)
{
	struct conversion cv = { .precision = -1 };

	p = parse_count(parse_flags(p, &cv), &cv.width, va);
	if (cv.width < 0) {
		cv.left = true;
		cv.width = -cv.width;
	}
	if (*p == '.')
		p = parse_count(p + 1, &cv.precision, va);
	p = parse_length(p, &cv.length);

	switch (*p) {
	case '%':
		put(sink, '%');
		break;
	case 'c':
		put_char(sink, &cv, va_arg(*va, int));
		break;
	case 's':
		put_string(sink, &cv, va_arg(*va, const char *));
		break;
	case 'd':
	case 'i':
		put_signed(sink, &cv, signed_arg(cv.length, va));
		break;
	case 'u':
		cv.plus = 0;
		put_number(sink, &cv, unsigned_arg(cv.length, va), 10, "", "0123456789");
		break;
	case 'x':
	case 'X':
		put_hex(sink, &cv, unsigned_arg(cv.length, va), *p == 'X');
		break;
	case 'p':
		put_pointer(sink, &cv, va_arg(*va, u64));
		break;
	default: /* unknown: printed unchanged */
		put(sink, '%');
		return p;
	}
	return p + 1;
}

int vsnprintf(char *buf, int size, const char *fmt, va_list va)
{
	struct sink sink = { .buf = buf, .size = size };
	va_list args;

	va_copy(args, va);
	while (*fmt) {
		if (*fmt == '%')
			fmt = convert(&sink, fmt + 1, &args);
		else
			put(&sink, *fmt++);
	}
	va_end(args);
	if (size > 0)
		buf[MIN(sink.len, size - 1)] = '\0';
	return sink.len;
}

int snprintf(char *buf, int size, const char *fmt, ...)
{
	va_list va;
	int n;

	va_start(va, fmt);
	n = vsnprintf(buf, size, fmt, va);
	va_end(va);
	return n;
}

static int print(void (*output)(const char *), const char *fmt, va_list va)
{
	static const char cut[] = "...<cut>\n";
	char buf[PRINTF_MAX];
	int n = vsnprintf(buf, sizeof(buf), fmt, va);

	if (n >= (int)sizeof(buf))
		memcpy(buf + sizeof(buf) - sizeof(cut), cut, sizeof(cut));
	output(buf);
	return n;
}

int vprintf(const char *fmt, va_list va)
{
	return print(puts, fmt, va);
}

int printf(const char *fmt, ...)
{
	va_list va;
	int n;

	va_start(va, fmt);
	n = vprintf(fmt, va);
	va_end(va);
	return n;
}

int printf_line(const char *fmt, ...)
{
	va_list va;
	int n;

	va_start(va, fmt);
	n = print(puts_line, fmt, va);
	va_end(va);
	return n;
}
