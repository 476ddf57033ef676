/** Share of a response's characters that are small vowels: something that a random policy can learn in minutes. */
export function reward({ response }) {
  const vowels = response.replace(/[^aeiou]/g, "").length;
  return response.length === 0 ? 0 : vowels / response.length;
}
