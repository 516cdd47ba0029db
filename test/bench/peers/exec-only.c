/* exec-only PROGRAM [ARGS]: only becomes the program. Any gatekeeper does more. */
#include <unistd.h>

int main(int count, char **argument)
{
	if (count < 2)
		return 100;
	execvp(argument[1], argument + 1);
	return 111;
}
