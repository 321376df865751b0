"""One file per type of value. :data:`~fiubench.builder.values.base.VALUE_TYPES` holds them by name."""
