/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What may stand where a rule leads a client to, but a server: for tests of what the client is
 * told. A rule leads each port to a file of its own, path=DIR/%p.
 */

#include <stdbool.h>

/* The file of a port, in the directory of the test. Overwritten by one of the next 8 calls. */
const char *obstacle_file(int port);

/* The address of a port, 127.0.0.1. Overwritten by the next call. */
const char *obstacle_address(int port);

/*
 * Put something there. type: SOCK_STREAM or SOCK_DGRAM, what a client would look for. All of them
 * have to work.
 */
void obstacle_nothing(int port, int type);
void obstacle_dead(int port, int type);      /* a socket that is closed */
void obstacle_other(int port, int type);     /* a live socket of the other type */
void obstacle_seqpacket(int port, int type); /* a live socket of packets */
void obstacle_file_of_text(int port, int type);
void obstacle_directory(int port, int type);
void obstacle_pipe(int port, int type);
void obstacle_dangling(int port, int type); /* a link to nowhere */
void obstacle_loop(int port, int type);     /* a link to itself */
void obstacle_denied(int port, int type);   /* a live socket without any permission */

/* A directory without any permission, with a live socket in it that is named "s". */
void obstacle_denied_directory(int port, int type);

/*
 * Go on as a user whom modes stop; others may enter the test's directory and write its messages.
 * To be called with umask(0), after all obstacles were made.
 */
void obstacles_become_nobody(void);

/* Points: no client has changed any of it. */
void obstacles_are_untouched(int nothing, int dead, int text, int dangling);
