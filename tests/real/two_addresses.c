/* A resolver for the suite, loaded before the system's: `localhost` has two addresses, the first of which may be dead. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    lookup *next = (lookup *)dlsym(RTLD_NEXT, "getaddrinfo");
    if (name == NULL || strcmp(name, "localhost") != 0) {
        return next(name, service, hints, found);
    }
    int failed = next("::1", service, hints, found);
    if (failed != 0) {
        return failed;
    }
    struct addrinfo *last = *found;
    while (last->ai_next != NULL) {
        last = last->ai_next;
    }
    return next("127.0.0.1", service, hints, &last->ai_next);
}
