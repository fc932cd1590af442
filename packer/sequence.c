/* SPDX-License-Identifier: MIT */
/*
 * Merges sequences into a common supersequence.
 *
 * The master order begins as the first sequence.  Each further one is compared
 * with it: elements that are in both and in the same order stay where they are
 * (the longest increasing subsequence of their positions), new ones go behind
 * their predecessor, and one that moved is entered a second time there, as a
 * repetition of the original.
 *
 *      master   a b c d e        positions 0 1 2 3 4
 *      next     a d x b e        found at  0 3 - 1 4; kept a b e, or a d e
 *      merged   a b c d x b' e   if d was kept and b repeated
 */
#include "sequence.h"

#include <stdlib.h>
#include <string.h>

void sequence_init(struct sequence *s)
{
        *s = (struct sequence){ .head = SEQUENCE_END };
}

void sequence_free(struct sequence *s)
{
        free(s->nodes.at);
        free(s->by_key);
}

static uint32_t find(const struct sequence *s, uint32_t key)
{
        return key < s->key_room && s->by_key[key] ? s->by_key[key] - 1 :
                                                     SEQUENCE_END;
}

static void number(struct sequence *s)
{
        uint32_t position = 0;
        uint32_t n;

        for (n = s->head; n != SEQUENCE_END; n = s->nodes.at[n].next)
                s->nodes.at[n].position = position++;
}

/* A new node behind after (SEQUENCE_END: in front). */
static uint32_t insert(struct sequence *s, uint32_t after, uint32_t key)
{
        uint32_t n = (uint32_t)s->nodes.count;
        uint32_t original = find(s, key);
        struct sequence_node *node = VECTOR_ADD(&s->nodes);
        uint32_t *link = after == SEQUENCE_END ? &s->head :
                                                 &s->nodes.at[after].next;

        *node = (struct sequence_node){ .key = key,
                                        .next = *link,
                                        .original = n,
                                        .again = SEQUENCE_END };
        *link = n;
        if (original != SEQUENCE_END) {
                node->original = original;
                node->again = s->nodes.at[original].again;
                s->nodes.at[original].again = n;
                return n;
        }
        if (key >= s->key_room) {
                uint32_t room = key * 2 + 1024;

                s->by_key = realloc(s->by_key, room * sizeof(*s->by_key));
                if (!s->by_key)
                        abort();
                memset(s->by_key + s->key_room, 0,
                       (room - s->key_room) * sizeof(*s->by_key));
                s->key_room = room;
        }
        s->by_key[key] = n + 1;
        return n;
}

/* Marks in keep the elements of a longest subsequence whose nodes' positions
 * increase. */
static void longest_increasing(const struct sequence *s, const uint32_t *nodes,
                               size_t count, uint8_t *keep)
{
        uint32_t *tails = allocate(count, sizeof(*tails)); /* by length - 1 */
        uint32_t *before = allocate(count, sizeof(*before));
        size_t length = 0;
        size_t i;

        for (i = 0; i < count; i++) {
                size_t low = 0, high = length;

                if (nodes[i] == SEQUENCE_END)
                        continue;
                while (low < high) {
                        size_t middle = (low + high) / 2;

                        if (s->nodes.at[nodes[tails[middle]]].position <
                            s->nodes.at[nodes[i]].position)
                                low = middle + 1;
                        else
                                high = middle;
                }
                before[i] = low ? tails[low - 1] : SEQUENCE_END;
                tails[low] = (uint32_t)i;
                if (low == length)
                        length++;
        }
        memset(keep, 0, count);
        if (length)
                for (i = tails[length - 1];; i = before[i]) {
                        keep[i] = 1;
                        if (before[i] == SEQUENCE_END)
                                break;
                }
        free(tails);
        free(before);
}

/* A repetition of original at a position from first to before last, if there
 * is one. */
static uint32_t find_repeated(const struct sequence *s, uint32_t original,
                              uint32_t first, uint32_t last)
{
        uint32_t n;

        for (n = original; n != SEQUENCE_END; n = s->nodes.at[n].again) {
                uint32_t position = s->nodes.at[n].position;

                if (position >= first && position < last)
                        return n;
        }
        return SEQUENCE_END;
}

void sequence_merge(struct sequence *s, const uint32_t *keys, size_t count,
                    uint32_t *ret_nodes)
{
        uint8_t *keep = allocate(count, 1);
        uint32_t *limit = allocate(count + 1, sizeof(*limit));
        uint32_t last = SEQUENCE_END; /* node of the element before */
        uint32_t floor = 0;           /* position of the last node used, + 1 */
        size_t i;

        number(s);
        for (i = 0; i < count; i++)
                ret_nodes[i] = find(s, keys[i]);
        longest_increasing(s, ret_nodes, count, keep);
        limit[count] = UINT32_MAX; /* position of the next kept node */
        for (i = count; i--;)
                limit[i] = keep[i] ? s->nodes.at[ret_nodes[i]].position :
                                     limit[i + 1];
        for (i = 0; i < count; i++) {
                uint32_t n = ret_nodes[i];
                bool is_old = keep[i];

                if (!is_old && n != SEQUENCE_END) {
                        n = find_repeated(s, n, floor, limit[i]);
                        is_old = n != SEQUENCE_END;
                }
                if (!is_old)
                        n = insert(s, last, keys[i]);
                else
                        floor = s->nodes.at[n].position + 1;
                ret_nodes[i] = last = n;
        }
        free(keep);
        free(limit);
}
