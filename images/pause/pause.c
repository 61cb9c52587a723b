/* Copyright (c) 2026 GreenLang. All rights reserved.
 *
 * Holds a pod's namespaces open. As the first process of a shared PID namespace it also reaps the orphans that end there.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void reap(int number)
{
    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}

static void stop(int number)
{
    (void)number;
    _exit(0);
}

int main(void)
{
    const struct sigaction reaping = {.sa_handler = reap, .sa_flags = SA_NOCLDSTOP};
    const struct sigaction stopping = {.sa_handler = stop};

    if (sigaction(SIGCHLD, &reaping, NULL) || sigaction(SIGTERM, &stopping, NULL) || sigaction(SIGINT, &stopping, NULL))
        return 1;
    for (;;)
        pause();
}
