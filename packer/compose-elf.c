/* SPDX-License-Identifier: MIT */
/*
 * Writes E, the ELF inside a multi-image: headers, notes that Xen and QEMU
 * read, the stub's parameters and programs, the store.
 */
#include <elf.h>
#include <string.h>
#include <xen/elfnote.h>

#include "../stub/parameters.h"
#include "compose-parts.h"

/* Adds a note of owner "Xen" at *at; returns what is behind it. */
static uint8_t *add_note(uint8_t *at, uint32_t type, const void *bytes,
                         uint32_t size)
{
        const Elf64_Nhdr note = { .n_namesz = 4,
                                  .n_descsz = size,
                                  .n_type = type };
        memcpy(at, &note, sizeof note);
        memcpy(at + sizeof note, "Xen", 4);
        memcpy(at + sizeof note + 4, bytes, size);
        return at + sizeof note + 4 + align_up(size, 4);
}

static uint8_t *add_text(uint8_t *at, uint32_t type, const char *text)
{
        return add_note(at, type, text, (uint32_t)strlen(text) + 1);
}

static uint8_t *add_number(uint8_t *at, uint32_t type, uint64_t value)
{
        return add_note(at, type, &value, sizeof value);
}

/* The 32-bit program takes what comes in 32 bits. */
static uint64_t pvh_entry(const struct plan *p)
{
        return p->elf_addr + (p->program_32
                                      ? p->program_32_offset + STUB_32_ENTRY_PVH
                                      : STUB_ENTRY_PVH);
}

/* As Linux 6.1 has them (arch/x86/xen/xen-head.S), entries our own. */
static size_t write_notes(const struct compose_input *input,
                          const struct plan *p, uint8_t *start)
{
        uint8_t *at = start;
        uint64_t base = input->xen_virt_base;

        if (input->has_xen) {
                /* valid bit and mask of the present bit */
                static const uint64_t l1_mfn_valid[2] = { 1, 1 };
                static const uint32_t features = 1u << 0 | 1u << 11 | 1u << 15;
                static const uint32_t one = 1;
                at = add_text(at, XEN_ELFNOTE_GUEST_OS, "linux");
                at = add_text(at, XEN_ELFNOTE_GUEST_VERSION, "2.6");
                at = add_text(at, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
                at = add_number(at, XEN_ELFNOTE_VIRT_BASE, base);
                at = add_number(at, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
                at = add_number(at, XEN_ELFNOTE_ENTRY,
                                base + p->elf_addr + STUB_ENTRY_XEN);
                at = add_text(at, XEN_ELFNOTE_FEATURES,
                              "!writable_page_tables|pae_pgdir_above_4gb");
                at = add_note(at, XEN_ELFNOTE_SUPPORTED_FEATURES, &features,
                              sizeof features);
                at = add_text(at, XEN_ELFNOTE_PAE_MODE, "yes");
                at = add_text(at, XEN_ELFNOTE_LOADER, "generic");
                at = add_note(at, XEN_ELFNOTE_L1_MFN_VALID, l1_mfn_valid,
                              sizeof l1_mfn_valid);
                at = add_note(at, XEN_ELFNOTE_SUSPEND_CANCEL, &one, sizeof one);
                at = add_note(at, XEN_ELFNOTE_MOD_START_PFN, &one, sizeof one);
                at = add_number(at, XEN_ELFNOTE_HV_START_LOW,
                                0xffff800000000000);
                at = add_number(at, XEN_ELFNOTE_PADDR_OFFSET, 0);
        }
        if (input->has_pvh)
                at = add_number(at, XEN_ELFNOTE_PHYS32_ENTRY, pvh_entry(p));
        return (size_t)(at - start);
}

static void write_elf_headers(const struct compose_input *input,
                              const struct plan *p, uint8_t *elf)
{
        uint64_t virt =
                input->has_xen ? input->xen_virt_base : 0xffffffff80000000;
        size_t notes_size = write_notes(input, p, elf + STUB_NOTES);
        Elf64_Phdr headers[3] = { 0 };
        size_t count = 0;

        Elf64_Phdr stub = {
                .p_type = PT_LOAD,
                .p_flags = PF_R | PF_W | PF_X,
                .p_vaddr = virt + p->elf_addr,
                .p_paddr = p->elf_addr,
                .p_filesz = p->elf_size,
                .p_memsz = p->own_offset + STUB_OWN_SIZE,
                .p_align = PAGE,
        };
        if (p->elf_lent_addr == p->elf_addr + stub.p_memsz)
                stub.p_memsz += p->lent_size;
        Elf64_Phdr hole = {
                .p_type = PT_LOAD,
                .p_flags = PF_R | PF_W | PF_X,
                .p_vaddr = virt + input->hole_addr,
                .p_paddr = input->hole_addr,
                .p_memsz = p->hole_size,
                .p_align = PAGE,
        };
        /* Ascending, as the specification wants them. */
        if (p->elf_addr < input->hole_addr || !input->hole_addr)
                headers[count++] = stub;
        if (input->hole_addr)
                headers[count++] = hole;
        if (p->elf_addr >= input->hole_addr && input->hole_addr)
                headers[count++] = stub;
        if (notes_size)
                headers[count++] = (Elf64_Phdr){
                        .p_type = PT_NOTE,
                        .p_flags = PF_R,
                        .p_offset = STUB_NOTES,
                        .p_vaddr = stub.p_vaddr + STUB_NOTES,
                        .p_paddr = stub.p_paddr + STUB_NOTES,
                        .p_filesz = notes_size,
                        .p_memsz = notes_size,
                        .p_align = 4,
                };
        const Elf64_Ehdr header = {
                .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
                             ELFDATA2LSB, EV_CURRENT },
                .e_type = ET_EXEC,
                .e_machine = EM_X86_64,
                .e_version = EV_CURRENT,
                .e_entry = pvh_entry(p),
                .e_phoff = sizeof header,
                .e_ehsize = sizeof header,
                .e_phentsize = sizeof headers[0],
                .e_phnum = (uint16_t)count,
        };
        memcpy(elf, &header, sizeof header);
        memcpy(elf + sizeof header, headers, sizeof headers);
}

void compose_write_elf(const struct compose_input *input, const struct plan *p,
                       uint8_t *elf)
{
        const struct stub_parameters parameters = {
                .magic = STUB_MAGIC,
                .store_offset = put_le32((uint32_t)p->store_offset),
                .own_offset = put_le32((uint32_t)p->own_offset),
                .store_size = put_le64(input->store_size),
                .hole_addr = put_le64(input->hole_addr),
                .hole_size = put_le64(p->hole_size),
                .elf_lent_addr = put_le64(p->elf_lent_addr),
                .lent_size = put_le64(p->lent_size),
                .init_size = put_le32((uint32_t)p->init_size),
                .elf_offset = put_le32((uint32_t)p->elf_offset),
                .elf_addr = put_le64(p->elf_addr),
                .program_32_offset = put_le32((uint32_t)p->program_32_offset),
        };
        le32 addr = put_le32((uint32_t)p->elf_addr);
        memcpy(elf, p->program, p->program_size);
        write_elf_headers(input, p, elf);
        memcpy(elf + STUB_PARAMETERS, &parameters, sizeof parameters);
        memcpy(elf + STUB_PVH_BASE, &addr, sizeof addr);
        if (p->program_32) {
                uint8_t *program = elf + p->program_32_offset;
                memcpy(program, p->program_32, p->program_32_size);
                memcpy(program + STUB_32_PVH_BASE, &addr, sizeof addr);
        }
        memcpy(elf + p->store_offset, input->store, input->store_size);
}
