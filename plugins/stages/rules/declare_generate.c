/* Reads `generate "name" { … }` into the ruleset. */
#include "form.h"
#include "vm.h"

void declare_generate(const struct form *form) {
    static const char *const own[] = {"when", "description", "guards", NULL};
    struct generate *generate = ruleset_add_generate(form->vm->set);
    unsigned serial = generate->origin.serial;
    generate->origin = form->origin;
    generate->origin.serial = serial;
    generate->by = rp_arena_printf(form_arena(form), "generate:%s", form->origin.name);
    form_check_names_of(form, own, shape_fields);
    shape_read(form, &generate->shape);
    form_check_text(form, "description");
    generate->when_ref = form_function(form, "when");
    form_guards(form, &generate->guards);
}
