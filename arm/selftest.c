#include <libcflat.h>
int main(int argc, char **argv)
{
	report_pass("hello");
	return report_summary();
}
