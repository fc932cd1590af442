/* SPDX-License-Identifier: MIT */
/*
 * Writes bodies: whole ones to the chunks of their stream, versions that are
 * much like the one before as patches (docs/format.md, section 4.8).
 */
#include "bodies.h"

#include <stdlib.h>
#include <string.h>

#include "compress.h"
#include "patch.h"
#include "scatter.h"

struct body_field {
        uint32_t offset;
        uint32_t pool; /* pool address of the target */
        uint8_t type;
};

struct body_orc {
        uint32_t offset;
        uint32_t index; /* in the palette */
};

/* One body; outside of record sections fields hold pool addresses. */
struct body {
        uint8_t bytes[MULTI_IMAGE_MAX_BODY + BODY_SLACK];
        uint32_t size;
        VECTOR(struct body_field) fields;
        VECTOR(struct body_orc) orcs;
        unit_list units;
        bool has_units;
};

struct bodies {
        const struct master *m;
        struct streams *streams;
        struct interner *orcs; /* of 6 bytes */
        const uint32_t *orc_rank;
        enum codec_id codec;
        uint64_t last_cut[MULTI_IMAGE_MAX_STREAMS];
        const struct master_section *section;
        uint32_t last_target[MULTI_IMAGE_MAX_GROUPS][FORMAT_MAX_COLUMNS];
        struct body *base; /* first of the place, if has_base */
        struct body *body;
        bool has_base;
        uint8_t group;
        bool is_patch; /* body is told by ops */
        patch ops;
        bool scatter;      /* code is to be taken apart */
        bool is_scattered; /* body is */
        struct scattered parts;
        VECTOR(struct field_guess) exceptions;
};

static struct bytes *out(struct bodies *b, uint32_t stream)
{
        return &b->streams->at[group_stream(b->group, stream)].bytes;
}

/* ---- reading ------------------------------------------------------------ */

static void add_field(struct bodies *b, const struct variant *v,
                      const struct field *field)
{
        struct body *body = b->body;
        struct body_field *to = VECTOR_ADD(&body->fields);
        le64 wide = put_le64(0);

        *to = (struct body_field){ .offset = body->size + field->offset,
                                   .type = field->type };
        if (field_is_fixed(field->type))
                return;
        to->pool = b->m->slots[v->fragments.at[field->target].slot].pool +
                   field->addend;
        if (!(b->section->flags & SECTION_RECORD))
                wide = put_le64(to->pool);
        memcpy(body->bytes + to->offset, &wide, field_size(field->type));
}

static uint32_t orc_index(struct bodies *b, const struct orc *o)
{
        uint32_t number = intern(b->orcs, o->entry, sizeof(o->entry));

        return b->orc_rank ? b->orc_rank[number] : number;
}

static void add_fragment(struct bodies *b, const struct variant *v,
                         const struct fragment *f)
{
        struct body *body = b->body;
        uint32_t i;

        memcpy(body->bytes + body->size, f->bytes, f->size);
        for (i = 0; i < f->field_count && b->section->flags & SECTION_SLOTS;
             i++)
                add_field(b, v, &v->fields.at[f->field_first + i]);
        for (i = 0; i < f->orc_count && b->section->flags & SECTION_CODE; i++) {
                const struct orc *o = &v->orcs.at[f->orc_first + i];

                *VECTOR_ADD(&body->orcs) = (struct body_orc){
                        body->size + o->offset,
                        orc_index(b, o),
                };
        }
        body->size += (uint32_t)f->size;
}

uint32_t bodies_size(const struct bodies *b)
{
        return b->body->size;
}

const uint8_t *bodies_strings(const struct bodies *b)
{
        return b->section->body == GROUP_BODY_STRING - GROUP_BODY_FIRST &&
                               !(b->section->flags &
                                 (SECTION_CODE | SECTION_RECORD)) &&
                               !b->body->fields.count ?
                       b->body->bytes :
                       NULL;
}

/* What tells units of the same bytes apart. */
#define UNIT_FIELD(size) ((uint64_t)(size)) << 32
#define UNIT_ORC(index) ((uint64_t)(index) + 1) << 40

/* False: it has unwind records that no unit can carry. */
static bool make_units(struct body *body)
{
        size_t field = 0, orc = 0;
        uint32_t at = 0;

        body->units.count = 0;
        while (at < body->size) {
                struct unit u = { .offset = at, .value = body->bytes[at] };
                uint32_t size = 1;

                for (; field < body->fields.count &&
                       body->fields.at[field].offset <= at;
                     field++) {
                        const struct body_field *f = &body->fields.at[field];

                        if (f->offset != at || field_is_fixed(f->type))
                                continue;
                        size = field_size(f->type);
                        u.value = f->pool | UNIT_FIELD(size);
                }
                if (orc < body->orcs.count && body->orcs.at[orc].offset == at)
                        u.value |= UNIT_ORC(body->orcs.at[orc++].index);
                *VECTOR_ADD(&body->units) = u;
                at += size;
        }
        return orc == body->orcs.count;
}

static uint32_t offset_of(const struct body *body, uint32_t unit)
{
        return unit < body->units.count ? body->units.at[unit].offset
                                        : body->size;
}

/* About as many bytes as it makes raw: an op has three numbers, an unwind record
 * two. */
static bool patch_pays(const struct bodies *b, uint32_t gain)
{
        const struct body *body = b->body;
        size_t whole = body->size + 2 * body->orcs.count;
        size_t patched = 0;
        uint32_t y = 0;
        size_t i;

        for (i = 0; i < b->ops.count; i++) {
                const struct patch_op *op = &b->ops.at[i];

                y += op->copy;
                patched += 4 + 2 * (offset_of(body, y + op->insert) -
                                    offset_of(body, y));
                y += op->insert;
        }
        return patched * gain < whole;
}

uint32_t bodies_difference(const struct bodies *b)
{
        uint32_t x = 0, y = 0, sum = 0; /* units passed; bytes */

        for (size_t i = 0; i < b->ops.count; i++) {
                const struct patch_op *op = &b->ops.at[i];
                uint32_t dropped, inserted;

                x += op->copy;
                y += op->copy;
                dropped = offset_of(b->base, x + op->drop) - offset_of(b->base, x);
                inserted = offset_of(b->body, y + op->insert) -
                           offset_of(b->body, y);
                sum += dropped > inserted ? dropped : inserted;
                x += op->drop;
                y += op->insert;
        }
        return sum;
}

/* All fragments that the entry tells, in a row. */
static void add_all(struct bodies *b, const struct place *p,
                    const struct version *x)
{
        uint32_t i;

        b->body->size = 0;
        b->body->fields.count = 0;
        b->body->orcs.count = 0;
        b->body->has_units = false;
        for (i = 0; i < p->run; i++) {
                const struct variant *v;

                if (i)
                        x = &b->m->versions.at[p[i].version_first];
                v = &b->m->variants[x->variant];
                add_fragment(b, v, &v->fragments.at[x->fragment]);
        }
}

uint8_t bodies_read(struct bodies *b, const struct place *p,
                    const struct version *x, uint8_t group, uint32_t gain)
{
        struct body *base = b->base, *body;

        add_all(b, p, x);
        body = b->body;
        b->group = group;
        b->is_patch = b->is_scattered = false;
        if (b->section->flags & SECTION_RECORD)
                return ENTRY_BODY;
        body->has_units = make_units(body);
        b->is_patch = gain && !b->section->has_exports && b->has_base &&
                      base->has_units &&
                      body->has_units && body->size &&
                      patch_make(&base->units, &body->units, &b->ops) &&
                      patch_pays(b, gain);
        if (b->is_patch)
                return ENTRY_PATCH;
        if (b->scatter && b->section->flags & SECTION_CODE &&
            !(b->section->flags & SECTION_32))
                b->is_scattered = scatter(&b->m->pool, body->bytes, body->size,
                                          &b->parts);
        return b->is_scattered ? ENTRY_CODE : ENTRY_BODY;
}

/* ---- writing ------------------------------------------------------------ */

/* Room for a body in its stream's chunk, or a new chunk. */
static void cut_chunk(struct bodies *b, enum group_stream stream, uint64_t size)
{
        uint32_t id = group_stream(b->group, stream);
        struct stream *s = &b->streams->at[id];

        if (s->bytes.count - b->last_cut[id] + size <=
            chunk_size(b->codec, stream))
                return;
        b->last_cut[id] = s->bytes.count;
        *VECTOR_ADD(&s->cuts) = s->bytes.count;
}

static void put_target(struct bodies *b, uint32_t column, uint32_t pool)
{
        uint32_t *last = &b->last_target[b->group][column];

        put_signed(out(b, GROUP_TARGET), (int32_t)(pool - *last));
        *last = pool;
}

/* The fields of a record. */
static void put_record_fields(struct bodies *b)
{
        const struct body *body = b->body;
        uint32_t done = 0;
        uint32_t column = 0;
        size_t i;

        put_varint(out(b, GROUP_FIELD_COUNT), (uint32_t)body->fields.count);
        for (i = 0; i < body->fields.count; i++) {
                const struct body_field *field = &body->fields.at[i];

                put_varint(out(b, GROUP_FIELD_GAP), field->offset - done);
                put_byte(out(b, GROUP_FIELD_TYPE), field->type);
                done = field->offset + field_size(field->type);
                if (field_is_fixed(field->type))
                        continue;
                put_target(b, column, field->pool);
                column = column + 1 == b->section->columns ? 0 : column + 1;
        }
}

/* Goes through the fields as a reader does, and notes where it goes wrong. */
static void find_exceptions(struct bodies *b)
{
        const struct body *body = b->body;
        struct field_guess guess = { .type = FIELD_NONE };
        uint8_t last = FIELD_NONE; /* type of the field that ends at from */
        uint32_t from = 0;
        size_t i = 0;

        b->exceptions.count = 0;
        for (;;) {
                const struct body_field *f = &body->fields.at[i];
                uint32_t at = i < body->fields.count ? f->offset : body->size;

                if (!field_guess(&b->m->pool, b->section->flags, body->bytes,
                                 body->size, from, last == FIELD_REL32_DATA,
                                 &guess))
                        guess.at = body->size;
                if (guess.at < at) {
                        guess.type = last = FIELD_NONE;
                        *VECTOR_ADD(&b->exceptions) = guess;
                        from = guess.at + 1;
                        continue;
                }
                if (i++ == body->fields.count)
                        return;
                if (guess.at != at || guess.type != f->type)
                        *VECTOR_ADD(&b->exceptions) =
                                (struct field_guess){ at, f->type };
                last = f->type;
                from = at + field_size(f->type);
        }
}

static void put_fields(struct bodies *b)
{
        uint32_t last = 0;
        size_t i;

        if (b->section->flags & SECTION_RECORD) {
                put_record_fields(b);
                return;
        }
        find_exceptions(b);
        put_varint(out(b, GROUP_FIELD_COUNT), (uint32_t)b->exceptions.count);
        for (i = 0; i < b->exceptions.count; i++) {
                const struct field_guess *e = &b->exceptions.at[i];

                put_varint(out(b, GROUP_FIELD_GAP), e->at - last);
                put_byte(out(b, GROUP_FIELD_TYPE), e->type);
                last = e->at;
        }
}

/* The place of an unwind record: turns passed over, or bytes since the last. */
static void put_turns(struct bodies *b, uint32_t offset, uint32_t last,
                      uint32_t *turn)
{
        const uint16_t *turns = b->parts.turns.at;
        uint32_t count = (uint32_t)b->parts.turns.count;
        uint32_t i = *turn;

        while (i < count && turns[i] < offset)
                i++;
        if (i < count && turns[i] == offset) {
                put_varint(out(b, GROUP_ORC_GAP), (i - *turn) << 1);
                i++;
        } else {
                put_varint(out(b, GROUP_ORC_GAP), (offset - last) << 1 | 1);
                while (i < count && turns[i] <= offset)
                        i++;
        }
        *turn = i;
}

/* Unwind records from byte start up to end, counted from start. */
static void put_orcs(struct bodies *b, uint32_t start, uint32_t end)
{
        const struct body *body = b->body;
        uint32_t done = start;
        uint32_t turn = 0;
        size_t first = 0, count = 0, i;

        while (first < body->orcs.count && body->orcs.at[first].offset < start)
                first++;
        while (first + count < body->orcs.count &&
               body->orcs.at[first + count].offset < end)
                count++;
        put_varint(out(b, GROUP_ORC_COUNT), (uint32_t)count);
        for (i = first; i < first + count; i++) {
                uint32_t offset = body->orcs.at[i].offset;

                if (b->is_scattered)
                        put_turns(b, offset, done, &turn);
                else
                        put_varint(out(b, GROUP_ORC_GAP), offset - done);
                put_varint(out(b, GROUP_ORC_INDEX), body->orcs.at[i].index);
                done = offset;
        }
}

/* Whether a unit from first up to end has an unwind record. */
static bool have_orcs(const struct body *body, uint32_t first, uint32_t end)
{
        for (; first < end; first++)
                if (body->units.at[first].value >= UNIT_ORC(0))
                        return true;
        return false;
}

static void put_ops(struct bodies *b)
{
        const struct body *base = b->base, *body = b->body;
        struct bytes *ops = out(b, GROUP_PATCH_OP);
        uint32_t x = 0, y = 0; /* units passed */
        size_t i;

        for (i = 0; i < b->ops.count; i++) {
                const struct patch_op *op = &b->ops.at[i];
                uint32_t start, end;
                bool orcs;

                put_varint(ops,
                           offset_of(base, x + op->copy) - offset_of(base, x));
                x += op->copy;
                y += op->copy;
                if (y == body->units.count)
                        break;
                start = offset_of(body, y);
                end = offset_of(body, y + op->insert);
                orcs = have_orcs(body, y, y + op->insert);
                put_varint(ops, (end - start) << 1 | orcs);
                put_signed(ops, (int32_t)(offset_of(base, x + op->drop) -
                                          offset_of(base, x) - (end - start)));
                put_bytes(out(b, GROUP_PATCH_BYTE), body->bytes + start,
                          end - start);
                if (orcs)
                        put_orcs(b, start, end);
                x += op->drop;
                y += op->insert;
        }
}

void bodies_keep(struct bodies *b)
{
        struct body *base = b->base;

        if (b->has_base)
                return;
        b->base = b->body;
        b->body = base;
        b->has_base = true;
}

/* What a reader takes in one piece. */
static void put_whole(struct bodies *b, enum group_stream stream,
                      const uint8_t *bytes, size_t size)
{
        cut_chunk(b, stream, size);
        put_bytes(out(b, stream), bytes, size);
}

void bodies_put(struct bodies *b)
{
        uint32_t i;

        if (b->is_patch)
                put_ops(b);
        else if (!b->is_scattered)
                put_whole(b, GROUP_BODY_FIRST + b->section->body, b->body->bytes,
                          b->body->size);
        for (i = 0; i < CODE_PART_COUNT && b->is_scattered; i++)
                put_whole(b, code_part_stream(i), b->parts.parts[i].at,
                          b->parts.parts[i].count);
        if (b->section->flags & SECTION_SLOTS)
                put_fields(b);
        if (b->is_patch)
                return;
        if (b->section->flags & SECTION_CODE)
                put_orcs(b, 0, UINT32_MAX);
        bodies_keep(b);
}

/* ---- sections, places --------------------------------------------------- */

void bodies_begin_section(struct bodies *b, const struct master_section *s)
{
        uint32_t g, i;

        b->section = s;
        for (g = 0; g < MULTI_IMAGE_MAX_GROUPS; g++)
                for (i = 0; i < FORMAT_MAX_COLUMNS; i++)
                        b->last_target[g][i] = b->m->pool.base;
}

void bodies_begin_place(struct bodies *b)
{
        b->has_base = false;
}

struct bodies *bodies_new(const struct master *m, struct streams *streams,
                          enum codec_id codec, struct interner *orcs,
                          const uint32_t *orc_rank, bool scatter)
{
        struct bodies *b = allocate(1, sizeof(*b));

        *b = (struct bodies){ .m = m,
                              .streams = streams,
                              .codec = codec,
                              .orcs = orcs,
                              .orc_rank = orc_rank,
                              .scatter = scatter,
                              .base = allocate(1, sizeof(*b->base)),
                              .body = allocate(1, sizeof(*b->body)) };
        return b;
}

static void body_free(struct body *body)
{
        free(body->fields.at);
        free(body->orcs.at);
        free(body->units.at);
        free(body);
}

void bodies_free(struct bodies *b)
{
        body_free(b->base);
        body_free(b->body);
        free(b->ops.at);
        free(b->exceptions.at);
        scattered_free(&b->parts);
        free(b);
}
