/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A preloaded object that does nothing: what the dynamic linker takes for any object.
 */

int empty_object;
