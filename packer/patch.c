/* SPDX-License-Identifier: MIT */
/*
 * The shortest way from one body to another.
 *
 * Myers' greedy algorithm (An O(ND) Difference Algorithm and Its Variations,
 * Algorithmica 1, 1986): the furthest point that d insertions and deletions
 * reach on each diagonal, for growing d.  What it then finds equal by chance, a
 * byte or two between differences, is inserted as well: an op costs more.
 */
#include "patch.h"

#include <stdlib.h>
#include <string.h>

/* More differences than this are no near-duplicate. */
#define MAX_DIFFERENCES 2000
/* Fewer equal units between two differences are not worth an op. */
#define MIN_COPY 4

/* A run of equal units. */
struct run {
        uint32_t base, body, count;
};

typedef VECTOR(struct run) runs;

struct search {
        const unit_list *base, *body;
        int limit; /* differences */
        /* Furthest base unit reached on diagonal k (base less body units) by d
         * differences: at[d * d + d + k] */
        int *at;
};

static int *furthest(const struct search *s, int d, int k)
{
        return &s->at[d * d + d + k];
}

static int slide(const struct search *s, int x, int k)
{
        int n = (int)s->base->count, m = (int)s->body->count;

        while (x < n && x - k < m &&
               s->base->at[x].value == s->body->at[x - k].value)
                x++;
        return x;
}

/* Whether diagonal k is best reached by an insertion, from k + 1. */
static bool is_insertion(const struct search *s, int d, int k)
{
        return k == -d ||
               (k != d && *furthest(s, d - 1, k - 1) < *furthest(s, d - 1, k + 1));
}

/* Differences between the two, or -1 if there are too many. */
static int search(struct search *s)
{
        int n = (int)s->base->count, m = (int)s->body->count;
        size_t room = 0;
        int d, k;

        for (d = 0; d <= s->limit; d++) {
                /* (d + 1)^2 points up to and with d */
                vector_reserve((void **)&s->at, (size_t)d * d, &room,
                               sizeof(*s->at), 2 * (size_t)d + 1);
                for (k = -d; k <= d; k += 2) {
                        int x = 0;

                        if (d)
                                x = is_insertion(s, d, k) ?
                                            *furthest(s, d - 1, k + 1) :
                                            *furthest(s, d - 1, k - 1) + 1;
                        x = slide(s, x, k);
                        *furthest(s, d, k) = x;
                        if (x >= n && x - k >= m)
                                return d;
                }
        }
        return -1;
}

/* The runs of equal units on the way to the end, the last first. */
static void trace(const struct search *s, int d, runs *ret)
{
        int k = (int)s->base->count - (int)s->body->count;
        int x = (int)s->base->count;

        for (; d >= 0; d--) {
                bool insertion = d && is_insertion(s, d, k);
                int start = 0; /* of the run that ends in x */

                if (d)
                        start = insertion ? *furthest(s, d - 1, k + 1) :
                                            *furthest(s, d - 1, k - 1) + 1;
                if (x > start)
                        *VECTOR_ADD(ret) = (struct run){ (uint32_t)start,
                                                         (uint32_t)(start - k),
                                                         (uint32_t)(x - start) };
                if (insertion) {
                        k++;
                        x = start;
                } else {
                        k--;
                        x = start - 1;
                }
        }
}

/* ops from runs, the last of which comes first. */
static void make_ops(const runs *r, const unit_list *base, const unit_list *body,
                     patch *ret)
{
        uint32_t x = 0, y = 0; /* done of base and body */
        struct patch_op op = { 0 };
        size_t i;

        for (i = r->count; i--;) {
                const struct run *run = &r->at[i];

                if (run->count < MIN_COPY)
                        continue;
                if (run->base > x || run->body > y) {
                        op.drop = run->base - x;
                        op.insert = run->body - y;
                        *VECTOR_ADD(ret) = op;
                        op.copy = 0;
                }
                op.copy += run->count;
                x = run->base + run->count;
                y = run->body + run->count;
        }
        op.drop = (uint32_t)base->count - x;
        op.insert = (uint32_t)body->count - y;
        *VECTOR_ADD(ret) = op;
}

bool patch_make(const unit_list *base, const unit_list *body, patch *ret)
{
        struct search s = { .base = base, .body = body };
        runs r = { 0 };
        size_t limit = (base->count + body->count) / 2;
        int d;

        s.limit = limit < MAX_DIFFERENCES ? (int)limit : MAX_DIFFERENCES;
        ret->count = 0;
        d = search(&s);
        if (d >= 0) {
                trace(&s, d, &r);
                make_ops(&r, base, body, ret);
        }
        free(r.at);
        free(s.at);
        return d >= 0;
}
