#include "CUnwindShim.h"
