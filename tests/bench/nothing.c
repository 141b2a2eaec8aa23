/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A program that does nothing: what remains of its run is the start of a process.
 */

int main(void)
{
        return 0;
}
