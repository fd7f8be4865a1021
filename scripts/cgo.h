/*
 * Included into all C of the window's build, by scripts/build-window.sh.
 *
 * The cgo tool finds out what a name in C is from the errors that a compiler
 * gives: in one of its questions a name that is no type is multiplied by a
 * variable that nobody has declared. At each of them gcc 12 compares that
 * variable with all names that it knows, to say which may have been meant; with
 * the 5,738 names of OpenGL this takes over three minutes. Declared, it is not
 * searched for; and because nothing can be multiplied by a struct, the answer
 * stays the same.
 */
#ifndef __ASSEMBLER__
extern struct __cgo_declared { int is; } __cgo_undefined__2;
#endif
