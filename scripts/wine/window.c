/* A window of one colour for the tests: no frame, at a given place, with the keyboard once it is clicked.
 *
 *   window.exe TITLE X Y WIDTH HEIGHT RRGGBB [password|moves|minimises]
 *
 * `password`: it has a field for passwords, which has the keyboard. `moves`: it goes 3 pixels to the right each 30 ms, and back.
 * `minimises`: the right button minimises it for two seconds.
 * It ends when it is killed, or after two minutes. */
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static COLORREF colour;
static HWND field;
static int left, top, step = 3, moved, minimises;

static LRESULT CALLBACK procedure(HWND window, UINT message, WPARAM w, LPARAM l)
{
    PAINTSTRUCT paint;
    switch (message) {
    case WM_PAINT: {
        HDC dc = BeginPaint(window, &paint);
        HBRUSH brush = CreateSolidBrush(colour);
        FillRect(dc, &paint.rcPaint, brush);
        DeleteObject(brush);
        EndPaint(window, &paint);
        return 0;
    }
    case WM_LBUTTONDOWN:
        SetForegroundWindow(window);
        SetFocus(field ? field : window);
        return 0;
    case WM_RBUTTONDOWN:
        if (minimises) {
            ShowWindow(window, SW_MINIMIZE);
            SetTimer(window, 3, 2000, NULL);
        }
        return 0;
    case WM_TIMER:
        if (w == 2)
            PostQuitMessage(0);
        if (w == 3) {
            KillTimer(window, 3);
            ShowWindow(window, SW_RESTORE);
            return 0;
        }
        moved += step;
        if (moved > 200 || moved < 0)
            step = -step;
        SetWindowPos(window, NULL, left + moved, top, 0, 0, SWP_NOSIZE | SWP_NOZORDER | SWP_NOACTIVATE);
        return 0;
    case WM_DESTROY:
        PostQuitMessage(0);
        return 0;
    }
    return DefWindowProcA(window, message, w, l);
}

int main(int count, char **values)
{
    WNDCLASSA class = {0};
    HWND window;
    MSG message;
    unsigned long rgb;

    if (count < 7)
        return 2;
    left = atoi(values[2]);
    top = atoi(values[3]);
    rgb = strtoul(values[6], NULL, 16);
    colour = RGB(rgb >> 16 & 255, rgb >> 8 & 255, rgb & 255);
    class.lpfnWndProc = procedure;
    class.hInstance = GetModuleHandleA(NULL);
    class.hCursor = LoadCursorA(NULL, (LPCSTR)IDC_ARROW);
    class.lpszClassName = "watchcap_test";
    RegisterClassA(&class);
    window = CreateWindowExA(0, "watchcap_test", values[1], WS_POPUP | WS_VISIBLE, left, top, atoi(values[4]), atoi(values[5]), NULL, NULL,
                             class.hInstance, NULL);
    if (!window)
        return 1;
    if (count > 7 && !strcmp(values[7], "password"))
        field = CreateWindowExA(0, "EDIT", "", WS_CHILD | WS_VISIBLE | ES_PASSWORD, 10, 10, 100, 24, window, NULL, class.hInstance, NULL);
    minimises = count > 7 && !strcmp(values[7], "minimises");
    if (count > 7 && !strcmp(values[7], "moves"))
        SetTimer(window, 1, 30, NULL);
    SetTimer(window, 2, 120000, NULL);
    SetForegroundWindow(window);
    if (field)
        SetFocus(field);
    while (GetMessageA(&message, NULL, 0, 0) > 0) {
        TranslateMessage(&message);
        DispatchMessageA(&message);
    }
    return 0;
}
