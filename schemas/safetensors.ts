import { z } from 'zod'

/** A body or an answer as a safetensors container. */
export const SafetensorsContainer = z.custom<Uint8Array>().meta({
  id: 'SafetensorsContainer',
  override: ({ jsonSchema }: { jsonSchema: object }) =>
    void Object.assign(jsonSchema, {
      description:
        'A safetensors container. A tensor has the name of its field ("mixup.lam" for one of mixup); an entry of __metadata__ is any other field as its JSON text, or as a bare string.',
      type: 'string',
      format: 'binary',
    }),
})
