/* Wine 8 has no bcryptprimitives.dll; Rust's standard library takes its random numbers from ProcessPrng there. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG bytes); /* RtlGenRandom */

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size)
{
    return SystemFunction036(data, (ULONG)size) ? TRUE : FALSE;
}
