// Many functions for a compiler to chew on.
#include <stdlib.h>
#include <string.h>
#define F(n) \
  int f##n(int *a, int k) { \
    int s = 0; \
    for (int i = 0; i < k; i++) { \
      switch (a[i] % 7) { \
        case 0: s += a[i] * n; break; \
        case 1: s ^= a[i] << 3; break; \
        case 2: s -= n; break; \
        case 3: for (int j = 0; j < i; j++) s += a[j] * j; break; \
        default: s = s * 31 + a[i]; \
      } \
    } \
    if (s > n) memset(a, s, k); \
    return s; \
  }
#define G(n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7) F(n##8) F(n##9)
#define H(n) G(n##0) G(n##1) G(n##2) G(n##3) G(n##4) G(n##5) G(n##6) G(n##7) G(n##8) G(n##9)
H(1) H(2)
