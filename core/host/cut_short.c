/* A copy that broke off, or is still under way, leaves a shared object whose headers promise more than there is. The
 * loader maps what is missing as well and dies of it, so this looks first. Whatever else can be wrong with a file is the
 * loader's to say. */
#include "core/host/cut_short.h"

#ifdef __ELF__
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

static bool is_native(const ElfW(Ehdr) * head) {
    return memcmp(head->e_ident, ELFMAG, SELFMAG) == 0 &&
           head->e_ident[EI_CLASS] == (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) &&
           head->e_phentsize == sizeof(ElfW(Phdr));
}

static bool is_missing(const ElfW(Phdr) * segment, size_t size) {
    return segment->p_type == PT_LOAD && (segment->p_offset > size || segment->p_filesz > size - segment->p_offset);
}

static bool misses_segments(int fd, size_t size) {
    ElfW(Ehdr) head;
    if (pread(fd, &head, sizeof head, 0) != sizeof head || !is_native(&head)) return false;
    for (size_t i = 0; i < head.e_phnum; i++) {
        ElfW(Phdr) segment;
        size_t at = head.e_phoff + i * sizeof segment;
        if (at > size || pread(fd, &segment, sizeof segment, (off_t)at) != sizeof segment) return true;
        if (is_missing(&segment, size)) return true;
    }
    return false;
}

bool file_cut_short(const char *path, off_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool cut = misses_segments(fd, (size_t)size);
    close(fd);
    return cut;
}
#else
bool file_cut_short(const char *path, off_t size) {
    (void)path;
    (void)size;
    return false; /* other loaders look by themselves */
}
#endif
