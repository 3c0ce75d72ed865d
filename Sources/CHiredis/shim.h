// hiredis 0.14 as Debian 12 has it. The variadic commands stay outside: redisCommandArgv has no format to get wrong.
#include <hiredis/hiredis.h>
