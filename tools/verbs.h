/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The commands: each is what main would be, and returns the exit code. */
int run_main(int argc, char **argv);
int list_main(int argc, char **argv);
int state_main(int argc, char **argv);
int kill_main(int argc, char **argv);
int pause_main(int argc, char **argv);
int resume_main(int argc, char **argv);
int checkpoint_main(int argc, char **argv);
int restore_main(int argc, char **argv);
int inspect_main(int argc, char **argv);
