/*
 * files create|unlink DIRECTORY MANY BYTES: what a peers directory costs at least. Creates or
 * unlinks files named by addresses, with the same system calls as ours; prints the seconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static int create(const char *path, size_t bytes)
{
	static char text[4096];
	struct timespec times[2] = {{.tv_sec = 2000000000}, {.tv_sec = 2000000000}};
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 01200);
	if (fd < 0 || write(fd, text, bytes) != (ssize_t)bytes || futimens(fd, times) < 0
	    || fchmod(fd, 0200) < 0)
		return -1;
	return close(fd);
}

int main(int count, char **argument)
{
	char path[4096];
	if (count != 5)
		return 100;
	int is_create = strcmp(argument[1], "create") == 0;
	long many = atol(argument[3]);
	size_t bytes = strtoul(argument[4], 0, 10);
	if (bytes > 4096)
		return 100;
	double start = now();
	for (long i = 0; i < many; i++) {
		snprintf(path, sizeof path, "%s/10.%ld.%ld.%ld", argument[2], i >> 16 & 255,
		         i >> 8 & 255, i & 255);
		if ((is_create ? create(path, bytes) : unlink(path)) < 0) {
			perror(path);
			return 111;
		}
	}
	printf("%.6f\n", now() - start);
	return 0;
}
