// SPDX-License-Identifier: MIT
// The program: its commands are the table in src/cli/command.c.
#include "cli/command.h"

int main(int argc, char **argv)
{
    return command_dispatch(argc, argv);
}
