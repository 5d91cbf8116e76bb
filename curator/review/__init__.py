"""People review what `decide` holds back, in Argilla or in a sheet; what they say comes back."""
