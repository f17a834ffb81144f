/* Many literals in one Aho-Corasick automaton: one pass over a message says which of them are in it.
 *
 * States lie in a double array (16 bytes each), so that those of a thousand rules fit a processor's cache. The message
 * is folded (fold.h) on the way, as the literals are. Immutable once built; usable by all threads. */
#ifndef RULES_AUTOMATON_H
#define RULES_AUTOMATON_H

#include <repartee/base.h>

struct automaton;

struct automaton *automaton_create(void);
void automaton_destroy(struct automaton *automaton); /* takes NULL */
/* The literal's number: they are counted from 0, and an equal one has the same. */
uint32_t automaton_add(struct automaton *automaton, struct rp_str literal);
void automaton_build(struct automaton *automaton); /* once, after the last literal */
size_t automaton_count(const struct automaton *automaton); /* of literals */
/* Sets the bits of the literals that the text, valid UTF-8, contains. The caller has cleared them. */
void automaton_scan(const struct automaton *automaton, struct rp_str text, uint64_t *bits);
size_t automaton_bytes(const struct automaton *automaton); /* memory held */

#endif
