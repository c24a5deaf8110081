#ifndef PLANAR_FILEMAP_H
#define PLANAR_FILEMAP_H

#include <stddef.h>
#include <stdint.h>

// planar_map maps size bytes of fd from the page-aligned offset, with all its
// pages in memory. It returns a number for planar_unmap, -1 if it cannot.
int planar_map(int fd, int64_t offset, size_t size, void **at);
void planar_unmap(int slot);

// planar_lost_pages counts the pages that were gone when they were looked at.
int planar_lost_pages(void);

#endif
