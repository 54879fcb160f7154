#!/usr/bin/env python3
"""A window of a real toolkit with a list that opens below a field, and a menu with a submenu: says `ready`, and what was chosen.

Run by the system's Python, which has Tk (Debian: python3-tk)."""
import tkinter
from tkinter import ttk

window = tkinter.Tk(className="Toolkit")
window.title("toolkit window")
window.geometry("300x200+40+40")
window.configure(bg="#ff0000")
window.option_add("*TCombobox*Listbox.background", "#0000ff")
field = ttk.Combobox(window, values=["one", "two", "three"], state="readonly")
field.place(x=20, y=20, width=200)
field.bind("<<ComboboxSelected>>", lambda event: print("selected", field.get(), flush=True))
menu = tkinter.Menu(window, tearoff=0, bg="#00ff00", activebackground="#00ff00")
deeper = tkinter.Menu(menu, tearoff=0, bg="#ffff00", activebackground="#ffff00")
deeper.add_command(label="deeper entry", command=lambda: print("chosen", flush=True))
menu.add_cascade(label="more entries", menu=deeper)
window.bind("<Button-3>", lambda event: menu.tk_popup(event.x_root, event.y_root))
window.after(300, lambda: (window.focus_force(), print("ready", flush=True)))
window.mainloop()
