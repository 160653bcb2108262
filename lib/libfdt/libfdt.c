/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device trees read by node. */
#include <libcflat.h>
#include <libfdt/libfdt.h>
#include <string.h>

/* So that the offset behind the last token, rounded up, is an int. */
#define MAX_BLOB (INT32_MAX & ~(FDT_TAGSIZE - 1))

/* The blocks of a blob, which lie in it. */
struct blob {
	const char *structure, *strings;
	u32 structure_size, strings_size;
};

/* One token, all of which is in the block. */
struct token {
	u32 tag;
	int next; /* offset of the next one: maybe the end of the block */
	const char *name; /* FDT_BEGIN_NODE */
	const struct fdt_property *property; /* FDT_PROP */
};

static bool holds(u32 whole, u32 offset, u32 size)
{
	return offset <= whole && size <= whole - offset;
}

static int check_magic_and_version(const struct fdt_header *h)
{
	if (!h)
		return -FDT_ERR_BADMAGIC;
	if (!IS_ALIGNED((uintptr_t)h, 8))
		return -FDT_ERR_ALIGNMENT;
	if (fdt32_to_cpu(h->magic) != FDT_MAGIC)
		return -FDT_ERR_BADMAGIC;
	if (fdt32_to_cpu(h->version) < FDT_FIRST_SUPPORTED_VERSION ||
	    fdt32_to_cpu(h->last_comp_version) > FDT_LAST_SUPPORTED_VERSION)
		return -FDT_ERR_BADVERSION;
	return 0;
}

/* A block begins behind the header. */
static bool block_fits(u32 total, u32 header, u32 offset, u32 size)
{
	return offset >= header && holds(total, offset, size);
}

static int open_blob(const void *fdt, struct blob *blob)
{
	const struct fdt_header *h = fdt;
	u32 total, header, structure, strings;
	int error = check_magic_and_version(h);
	bool has_size;

	if (error)
		return error;
	total = fdt32_to_cpu(h->totalsize);
	has_size = fdt32_to_cpu(h->version) >= FDT_VERSION_WITH_STRUCT_SIZE;
	header = has_size ? FDT_V17_SIZE : FDT_V16_SIZE;
	if (total < header || total > MAX_BLOB)
		return -FDT_ERR_TRUNCATED;
	structure = fdt32_to_cpu(h->off_dt_struct);
	strings = fdt32_to_cpu(h->off_dt_strings);
	/* Before version 17 the blob's end bounds the structure. */
	blob->structure_size = has_size ? fdt32_to_cpu(h->size_dt_struct) : total - structure;
	blob->strings_size = fdt32_to_cpu(h->size_dt_strings);
	if (!block_fits(total, header, structure, blob->structure_size) ||
	    !block_fits(total, header, strings, blob->strings_size))
		return -FDT_ERR_TRUNCATED;
	if (!IS_ALIGNED(structure, FDT_TAGSIZE))
		return -FDT_ERR_ALIGNMENT;
	blob->structure = fdt + structure;
	blob->strings = fdt + strings;
	return 0;
}

int fdt_check_header(const void *fdt)
{
	struct blob blob;

	return open_blob(fdt, &blob);
}

/* Bytes of the token behind its tag, of at most @left; more than @left when they are not all there. */
static u32 token_body(const char *at, u32 tag, u32 left)
{
	const struct fdt_property *property = (const void *)at;
	u32 header = sizeof(*property) - FDT_TAGSIZE;

	if (tag == FDT_BEGIN_NODE)
		return strnlen(at + FDT_TAGSIZE, left) + 1;
	if (tag != FDT_PROP)
		return 0;
	if (left < header || fdt32_to_cpu(property->len) > left - header)
		return left + 1;
	return header + fdt32_to_cpu(property->len);
}

static int read_token(const struct blob *blob, int offset, struct token *token)
{
	const char *at = blob->structure + offset;
	u32 left, body;

	if (!holds(blob->structure_size, offset, FDT_TAGSIZE))
		return -FDT_ERR_TRUNCATED;
	token->tag = fdt32_to_cpu(*(const fdt32_t *)at);
	if ((token->tag < FDT_BEGIN_NODE || token->tag > FDT_NOP) && token->tag != FDT_END)
		return -FDT_ERR_BADSTRUCTURE;
	left = blob->structure_size - offset - FDT_TAGSIZE;
	body = token_body(at, token->tag, left);
	if (body > left)
		return -FDT_ERR_TRUNCATED;
	token->name = at + FDT_TAGSIZE;
	token->property = (const void *)at;
	token->next = offset + FDT_TAGSIZE + ALIGN(body, FDT_TAGSIZE);
	return 0;
}

/* The blob's blocks and the token that begins node @offset. */
static int open_node(const void *fdt, int offset, struct blob *blob, struct token *token)
{
	int error = open_blob(fdt, blob);

	if (error)
		return error;
	if (offset < 0 || !IS_ALIGNED(offset, FDT_TAGSIZE) ||
	    !holds(blob->structure_size, offset, FDT_TAGSIZE))
		return -FDT_ERR_BADOFFSET;
	error = read_token(blob, offset, token);
	return error ?: token->tag == FDT_BEGIN_NODE ? 0 : -FDT_ERR_BADOFFSET;
}

/* The first node that begins at @offset or behind it. */
static int find_node(const struct blob *blob, int offset, int *depth)
{
	struct token token;

	for (;; offset = token.next) {
		int error = read_token(blob, offset, &token);

		if (error)
			return error;
		if (token.tag == FDT_END)
			return -FDT_ERR_NOTFOUND;
		if (token.tag == FDT_END_NODE && --*depth < 0)
			return -FDT_ERR_NOTFOUND;
		if (token.tag == FDT_BEGIN_NODE) {
			++*depth;
			return offset;
		}
	}
}

int fdt_next_node(const void *fdt, int offset, int *depth)
{
	int any = INT32_MAX / 2; /* never below 0: a token is 4 bytes */
	struct token token = { .next = 0 };
	struct blob blob;
	int error;

	if (offset < 0)
		error = open_blob(fdt, &blob);
	else
		error = open_node(fdt, offset, &blob, &token);
	return error ?: find_node(&blob, token.next, depth ?: &any);
}

int fdt_first_subnode(const void *fdt, int offset)
{
	int depth = 0;

	return offset < 0 ? -FDT_ERR_BADOFFSET : fdt_next_node(fdt, offset, &depth);
}

int fdt_next_subnode(const void *fdt, int offset)
{
	int depth = 1;

	if (offset < 0)
		return -FDT_ERR_BADOFFSET;
	do
		offset = fdt_next_node(fdt, offset, &depth);
	while (offset >= 0 && depth > 1);
	return offset;
}

/* Depth of node @offset, 0 for the root. */
static int depth_of(const void *fdt, int offset)
{
	int depth = -1, node = -1;

	do
		node = fdt_next_node(fdt, node, &depth);
	while (node >= 0 && node < offset);
	return node < 0 ? node : node == offset ? depth : -FDT_ERR_BADOFFSET;
}

int fdt_parent_offset(const void *fdt, int offset)
{
	int wanted = depth_of(fdt, offset) - 1, depth = -1, parent = -FDT_ERR_NOTFOUND;
	int node = fdt_next_node(fdt, -1, &depth);

	if (offset < 0)
		return -FDT_ERR_BADOFFSET;
	if (wanted < -1) /* an error, less 1 */
		return wanted + 1;
	for (; node >= 0 && node < offset; node = fdt_next_node(fdt, node, &depth))
		if (depth == wanted)
			parent = node;
	return parent;
}

/* @name as it was asked for stands for @found, which is terminated. */
static bool is_called(const char *found, const char *name, size_t length)
{
	if (strnlen(found, length) < length || memcmp(found, name, length))
		return false;
	return !found[length] || (found[length] == '@' && !memchr(name, '@', length));
}

int fdt_subnode_offset_namelen(const void *fdt, int parent, const char *name, int length)
{
	int node;

	fdt_for_each_subnode(node, fdt, parent) if (is_called(fdt_get_name(fdt, node, NULL), name,
							      length)) break;
	return node;
}

int fdt_subnode_offset(const void *fdt, int parent, const char *name)
{
	return fdt_subnode_offset_namelen(fdt, parent, name, strlen(name));
}

/* @path is "" or begins with a slash. */
static int descend(const void *fdt, int node, const char *path, const char *end)
{
	while (node >= 0) {
		const char *next;

		while (path < end && *path == '/')
			path++;
		if (path == end)
			break;
		next = memchr(path, '/', end - path) ?: end;
		node = fdt_subnode_offset_namelen(fdt, node, path, next - path);
		path = next;
	}
	return node;
}

/* Only a whole path is an alias' value, so that aliases do not lead to each other. */
static const char *alias_path(const void *fdt, const char *name, size_t length)
{
	char key[32]; /* Devicetree Specification, 2.2.4: names have at most 31 characters */
	int aliases, size;
	const char *path;

	if (length >= sizeof(key))
		return NULL;
	memcpy(key, name, length);
	key[length] = '\0';
	aliases = fdt_subnode_offset(fdt, fdt_next_node(fdt, -1, NULL), "aliases");
	path = fdt_getprop(fdt, aliases, key, &size);
	return path && size > 1 && *path == '/' && !path[size - 1] ? path : NULL;
}

const char *fdt_get_alias(const void *fdt, const char *name)
{
	return alias_path(fdt, name, strlen(name));
}

int fdt_path_offset_namelen(const void *fdt, const char *path, int length)
{
	const char *end = path + length, *slash, *alias;
	int node = fdt_next_node(fdt, -1, NULL);

	if (node < 0)
		return node;
	if (length && *path == '/')
		return descend(fdt, node, path, end);
	slash = memchr(path, '/', length) ?: end;
	alias = alias_path(fdt, path, slash - path);
	if (!alias)
		return -FDT_ERR_BADPATH;
	return descend(fdt, descend(fdt, node, alias, alias + strlen(alias)), slash, end);
}

int fdt_path_offset(const void *fdt, const char *path)
{
	return fdt_path_offset_namelen(fdt, path, strlen(path));
}

static void set_length(int *lenp, int length)
{
	if (lenp)
		*lenp = length;
}

const char *fdt_get_name(const void *fdt, int offset, int *lenp)
{
	struct blob blob;
	struct token token;
	int error = open_node(fdt, offset, &blob, &token);

	set_length(lenp, error ?: (int)strlen(token.name));
	return error ? NULL : token.name;
}

/* @size: of @name with its end. The first letter spares most properties the comparison. */
static bool has_name(const struct blob *blob, const struct fdt_property *property, const char *name,
		     u32 size)
{
	u32 offset = fdt32_to_cpu(property->nameoff);
	const char *found = blob->strings + offset;

	return holds(blob->strings_size, offset, size) && *found == *name &&
	       !memcmp(found, name, size);
}

/* In @token, which is the node's first. A node's properties come before its children. */
static int find_property(const struct blob *blob, struct token *token, const char *name)
{
	u32 size = strlen(name) + 1;
	int error;

	while (!(error = read_token(blob, token->next, token))) {
		if (token->tag == FDT_NOP)
			continue;
		if (token->tag != FDT_PROP)
			return -FDT_ERR_NOTFOUND;
		if (has_name(blob, token->property, name, size))
			return 0;
	}
	return error;
}

const struct fdt_property *fdt_get_property(const void *fdt, int offset, const char *name,
					    int *lenp)
{
	struct blob blob;
	struct token token;
	int error = open_node(fdt, offset, &blob, &token) ?: find_property(&blob, &token, name);

	set_length(lenp, error ?: (int)fdt32_to_cpu(token.property->len));
	return error ? NULL : token.property;
}

const void *fdt_getprop(const void *fdt, int offset, const char *name, int *lenp)
{
	const struct fdt_property *property = fdt_get_property(fdt, offset, name, lenp);

	return property ? property->data : NULL;
}

int fdt_stringlist_contains(const char *list, int length, const char *string)
{
	size_t size = strlen(string) + 1;
	const char *end;

	for (; length > 0 && (end = memchr(list, '\0', length)); list = end + 1) {
		if ((size_t)(end + 1 - list) == size && !memcmp(list, string, size))
			return 1;
		length -= end + 1 - list;
	}
	return 0;
}

int fdt_node_check_compatible(const void *fdt, int offset, const char *compatible)
{
	int length;
	const char *list = fdt_getprop(fdt, offset, "compatible", &length);

	return list ? !fdt_stringlist_contains(list, length, compatible) : length;
}

int fdt_node_offset_by_compatible(const void *fdt, int start, const char *compatible)
{
	do
		start = fdt_next_node(fdt, start, NULL);
	while (start >= 0 && fdt_node_check_compatible(fdt, start, compatible));
	return start;
}

int fdt_node_offset_by_prop_value(const void *fdt, int start, const char *name, const void *value,
				  int length)
{
	while ((start = fdt_next_node(fdt, start, NULL)) >= 0) {
		int found;
		const void *data = fdt_getprop(fdt, start, name, &found);

		if (data && found == length && !memcmp(data, value, length))
			break;
	}
	return start;
}

static int cells(const void *fdt, int offset, const char *name, u32 least, int otherwise)
{
	int length;
	const fdt32_t *value = fdt_getprop(fdt, offset, name, &length);
	u32 count;

	if (!value)
		return length == -FDT_ERR_NOTFOUND ? otherwise : length;
	count = length == sizeof(*value) ? fdt32_to_cpu(*value) : UINT32_MAX;
	return count >= least && count <= FDT_MAX_NCELLS ? (int)count : -FDT_ERR_BADNCELLS;
}

int fdt_address_cells(const void *fdt, int offset)
{
	return cells(fdt, offset, "#address-cells", 1, 2);
}

int fdt_size_cells(const void *fdt, int offset)
{
	return cells(fdt, offset, "#size-cells", 0, 1);
}

const char *fdt_strerror(int error)
{
	/* Not pointers, which the boot would have to relocate */
	static const char messages[FDT_ERR_MAX + 1][24] = {
		[0] = "no error",
		[FDT_ERR_NOTFOUND] = "FDT_ERR_NOTFOUND",
		[FDT_ERR_EXISTS] = "FDT_ERR_EXISTS",
		[FDT_ERR_NOSPACE] = "FDT_ERR_NOSPACE",
		[FDT_ERR_BADOFFSET] = "FDT_ERR_BADOFFSET",
		[FDT_ERR_BADPATH] = "FDT_ERR_BADPATH",
		[FDT_ERR_BADPHANDLE] = "FDT_ERR_BADPHANDLE",
		[FDT_ERR_BADSTATE] = "FDT_ERR_BADSTATE",
		[FDT_ERR_TRUNCATED] = "FDT_ERR_TRUNCATED",
		[FDT_ERR_BADMAGIC] = "FDT_ERR_BADMAGIC",
		[FDT_ERR_BADVERSION] = "FDT_ERR_BADVERSION",
		[FDT_ERR_BADSTRUCTURE] = "FDT_ERR_BADSTRUCTURE",
		[FDT_ERR_BADLAYOUT] = "FDT_ERR_BADLAYOUT",
		[FDT_ERR_INTERNAL] = "FDT_ERR_INTERNAL",
		[FDT_ERR_BADNCELLS] = "FDT_ERR_BADNCELLS",
		[FDT_ERR_BADVALUE] = "FDT_ERR_BADVALUE",
		[FDT_ERR_BADOVERLAY] = "FDT_ERR_BADOVERLAY",
		[FDT_ERR_NOPHANDLES] = "FDT_ERR_NOPHANDLES",
		[FDT_ERR_BADFLAGS] = "FDT_ERR_BADFLAGS",
		[FDT_ERR_ALIGNMENT] = "FDT_ERR_ALIGNMENT",
	};

	return error <= 0 && error >= -FDT_ERR_MAX ? messages[-error] : "valid offset/length";
}
